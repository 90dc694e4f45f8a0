"""What an account may not do, asked of an API server that enforces our Roles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kube_rbac import service_account
from kube_server import Cluster, status

from slipway_steps.adapters.kubernetes.access import refused
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    found = Cluster()
    yield found
    found.close()


def settings(cluster: Cluster, tmp_path: Path, account: str) -> Settings:
    config = cluster.kubeconfig(tmp_path / "config", service_account(account) if account else "")
    return Settings(platform="kubernetes", kubeconfig=str(config))


def test_the_account_of_the_check_may_see_all_it_needs(cluster: Cluster, tmp_path: Path) -> None:
    assert refused(settings(cluster, tmp_path, "slipway-health")) == []


def test_what_another_account_may_not_is_named(cluster: Cluster, tmp_path: Path) -> None:
    missing = refused(settings(cluster, tmp_path, "slipway-train"))
    assert len(missing) == 9
    assert "get applications model-app-staging in argocd" in missing
    assert "list pods in model-app-canary" in missing


def test_one_machine_asks_nobody() -> None:
    assert refused(Settings()) == []


def test_an_api_that_does_not_answer_is_an_error(cluster: Cluster, tmp_path: Path) -> None:
    cluster.faults += [("POST", "selfsubject", status(500, **{"Retry-After": "0"}))] * 9
    with pytest.raises(PlatformError):
        refused(settings(cluster, tmp_path, "slipway-health"))
