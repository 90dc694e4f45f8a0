"""Objects of any kind, on an API server that has discovery."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.objects import ClusterObjects
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

MAP: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "m", "namespace": "default"},
    "data": {"a": "1", "b": "1"},
}


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ClusterObjects]:
    server = KubeApi()
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    kubeconfig = server.kubeconfig(tmp_path / "kubeconfig")
    yield ClusterObjects(Api(Settings(kubeconfig=str(kubeconfig)), RetryPolicy(attempts=2, first_wait=0.0)))
    server.close()


def test_an_object_is_made_changed_read_and_deleted(objects: ClusterObjects) -> None:
    assert objects.create(MAP)["data"] == MAP["data"]
    assert objects.patch({**MAP, "data": {"a": "2"}})["data"] == {"a": "2", "b": "1"}
    assert objects.get(MAP)["data"] == {"a": "2", "b": "1"}
    assert objects.apply({**MAP, "data": {"a": "3"}})["data"]["a"] == "3"
    objects.delete(MAP)
    with pytest.raises(PlatformError, match="get ConfigMap default/m failed: status 404"):
        objects.get(MAP)


def test_what_exists_is_not_created_again(objects: ClusterObjects) -> None:
    objects.create(MAP)
    with pytest.raises(PlatformError, match="ConfigMap default/m already exists"):
        objects.create(MAP)


def test_a_kind_that_the_cluster_does_not_have_is_said(objects: ClusterObjects) -> None:
    with pytest.raises(PlatformError, match="no such kind"):
        objects.get({"apiVersion": "example.org/v1", "kind": "Moon", "metadata": {"name": "m"}})
