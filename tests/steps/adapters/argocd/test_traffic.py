"""A cluster's route gives the canary nothing so far."""

import pytest

from slipway_steps.adapters.argocd.traffic import ClusterTraffic
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.traffic import Share


def test_production_has_all_requests() -> None:
    traffic = ClusterTraffic()
    traffic.set_share(Share())
    assert traffic.share() == Share()
    assert traffic.counts(Environment.CANARY) == []


def test_a_share_is_refused_by_name() -> None:
    with pytest.raises(PlatformError, match="on a cluster"):
        ClusterTraffic().set_share(Share(percent=5))
