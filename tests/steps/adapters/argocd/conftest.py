"""What the tests of this directory share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kube_rbac import service_account
from kube_server import Cluster


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster that is reached with the rights of the resource test."""
    found = Cluster()
    account = service_account("slipway-resources")
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "kubeconfig", account)))
    yield found
    found.close()
