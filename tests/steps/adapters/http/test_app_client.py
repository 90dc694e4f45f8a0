"""What the client of the served application says where it got no answer."""

import pytest

from slipway_steps.adapters.http.app_client import AppClient
from slipway_steps.domain.errors import AppError, HostUnknown


def test_a_name_that_does_not_resolve_is_told_apart() -> None:
    with pytest.raises(HostUnknown, match=r"the name app\.invalid does not resolve.*doctor --cluster"):
        AppClient("http://app.invalid:8000").version()


def test_a_refused_connection_is_no_unknown_name() -> None:
    with pytest.raises(AppError, match="connection refused") as caught:
        AppClient("http://127.0.0.1:9").version()
    assert not isinstance(caught.value, HostUnknown)
