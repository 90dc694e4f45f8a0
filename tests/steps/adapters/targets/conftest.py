"""The targets that the tests of this directory run pipelines on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kube_rbac import service_account
from simulated_cluster.argo_only import ArgoOnly

from slipway_steps.adapters.targets import seen_pods
from slipway_steps.adapters.targets.argo import ArgoTarget
from slipway_steps.settings import Settings
from slipway_workflows.catalog import rbac

if TYPE_CHECKING:
    from kubeflow_pods import PlayedPods
    from kubeflow_server import Kubeflow

NAMESPACE = "slipway-perf"


@pytest.fixture
def argo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArgoOnly]:
    """A cluster with Argo Workflows and the Roles of our manifests."""
    monkeypatch.setattr(seen_pods, "METRICS_EVERY", 0.05)
    found = ArgoOnly(tmp_path / "cluster", NAMESPACE, "slipway")
    found.objects.add(*rbac.build())
    yield found
    found.close()


@pytest.fixture
def kubeflow() -> Iterator["Kubeflow"]:
    """A server of Kubeflow Pipelines."""
    from kubeflow_server import Kubeflow

    found = Kubeflow()
    yield found
    found.close()


@pytest.fixture
def kubeflow_pods(kubeflow: "Kubeflow", monkeypatch: pytest.MonkeyPatch) -> Iterator["PlayedPods"]:
    """The cluster of that server, with the pods of its runs."""
    from kubeflow_pods import PlayedPods

    monkeypatch.setattr(seen_pods, "METRICS_EVERY", 0.05)
    found = PlayedPods(kubeflow)
    yield found
    found.close()


@pytest.fixture
def argo_target(argo: ArgoOnly, tmp_path: Path) -> Callable[..., ArgoTarget]:
    """A new target with the rights of the step `perf`."""

    def make(**settings: str) -> ArgoTarget:
        kubeconfig = argo.objects.kubeconfig(tmp_path / "kubeconfig", service_account("slipway-perf"))
        return ArgoTarget(Settings(KUBECONFIG=str(kubeconfig), **settings))

    return make
