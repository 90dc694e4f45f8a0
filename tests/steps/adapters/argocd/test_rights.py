"""What the service account of each step may do on a cluster, and what it may not, by our own Roles."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kube_rbac import service_account
from kube_server import Cluster

from slipway_steps.adapters.argocd.application import ArgoCD
from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.entry import STEPS
from slipway_steps.settings import Settings
from slipway_workflows.catalog.rbac import DEPLOYING_STEPS, OBSERVING_STEPS
from slipway_workflows.step import service_account_of

CANDIDATE = Candidate(version="7", digest="sha256:" + "a" * 64, revision="1234e56")
RELEASE = "/apis/argoproj.io/v1alpha1/namespaces/slipway/workflows/release-x"
LISTS = (
    "/api/v1/namespaces/{}/pods",
    "/apis/apps/v1/namespaces/{}/replicasets",
    "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods",
)
Acting = Callable[..., KubernetesPlatform]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    found = Cluster(speed=0.01)
    for app in ("model-app", "shop"):
        for environment in Environment:
            found.application(f"{app}-{environment}")
            for path in LISTS:
                found.lists[path.format(f"{app}-{environment}")] = []
    found.objects[RELEASE] = {"kind": "Workflow", "metadata": {"name": "release-x", "resourceVersion": "1"}}
    yield found
    found.close()


@pytest.fixture
def acting(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Acting:
    """acting(step, **settings): the platform as the service account of that step sees it."""

    def act(step: str, **settings: str) -> KubernetesPlatform:
        kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig", service_account(service_account_of(step)))
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        given = Settings(platform="kubernetes", registry="r.example", **settings)
        api = Api(given, RetryPolicy(first_wait=0.0))
        return KubernetesPlatform(given, api, ArgoCD(api, given, poll=0.01))

    return act


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("step", DEPLOYING_STEPS)
def test_a_step_that_moves_sets_the_image_of_each_environment(
    acting: Acting, step: str, environment: Environment
) -> None:
    platform = acting(step)
    platform.deploy(environment, CANDIDATE)
    assert platform.deployed(environment) == CANDIDATE
    assert platform.observe(environment).pods == []
    assert platform.release_alive("release-x")


@pytest.mark.parametrize("step", DEPLOYING_STEPS)
def test_it_touches_nobody_elses_application(cluster: Cluster, acting: Acting, step: str) -> None:
    platform = acting(step, app="shop")
    with pytest.raises(PlatformError, match='cannot get resource "applications"'):
        platform.deployed(Environment.STAGING)
    with pytest.raises(PlatformError, match="role lacks that right"):
        platform.deploy(Environment.STAGING, CANDIDATE)
    assert cluster.patches == []


@pytest.mark.parametrize("step", sorted(set(OBSERVING_STEPS) - set(DEPLOYING_STEPS)))
def test_a_gate_sees_pods_and_moves_nothing(cluster: Cluster, acting: Acting, step: str) -> None:
    platform = acting(step)
    assert platform.observe(Environment.STAGING).pods == []
    with pytest.raises(PlatformError, match="forbidden"):
        platform.deploy(Environment.STAGING, CANDIDATE)
    assert cluster.patches == []


@pytest.mark.parametrize("step", sorted(set(STEPS) - set(OBSERVING_STEPS)))
def test_any_other_step_sees_no_environment(acting: Acting, step: str) -> None:
    platform = acting(step)
    with pytest.raises(PlatformError, match="forbidden"):
        platform.observe(Environment.STAGING)
    with pytest.raises(PlatformError, match="forbidden"):
        platform.deployed(Environment.STAGING)


def test_only_the_last_step_labels_the_workflow(acting: Acting) -> None:
    acting("finish").label_release("release-x", {"a": "b"})
    with pytest.raises(PlatformError, match='cannot patch resource "workflows"'):
        acting("promote").label_release("release-x", {"a": "c"})


def event(pod: str, reason: str, message: str, at: str) -> dict[str, object]:
    metadata = {"name": f"{pod}.{at}"}
    said = {"reason": reason, "message": message, "lastTimestamp": f"2026-11-21T12:00:{at}Z"}
    return {"metadata": metadata, "involvedObject": {"kind": "Pod", "name": pod}, **said}


def test_the_last_step_sees_why_no_node_took_a_pod(cluster: Cluster, acting: Acting) -> None:
    cluster.lists["/api/v1/namespaces/slipway/events"] = [
        event("train", "FailedScheduling", "0/1 nodes: cpu", "10"),
        event("train", "FailedScheduling", "0/2 nodes: cpu", "20"),
        event("load", "FailedScheduling", "0/1 nodes: cpu", "10"),
        event("load", "Scheduled", "to node-1", "30"),
    ]
    platform = acting("finish")
    assert platform.unschedulable("train") == "0/2 nodes: cpu"
    assert platform.unschedulable("load") == ""
    assert platform.unschedulable("build") == ""
    with pytest.raises(PlatformError, match='cannot list resource "events"'):
        acting("report").unschedulable("train")
