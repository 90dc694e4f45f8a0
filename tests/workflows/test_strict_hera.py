"""Hera's models, made strict: an unknown field is an error."""

import pytest

from slipway_workflows.strict_hera import Synchronization


def test_a_misspelt_field_of_argo_is_refused() -> None:
    with pytest.raises(ValueError, match="mutex"):
        Synchronization(mutex={"name": "lost"})
