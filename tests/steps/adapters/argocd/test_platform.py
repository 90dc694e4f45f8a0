"""Environments on a cluster: Argo CD's timeline, pods in all their states, faults of the API."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kube_rbac import service_account
from kube_server import Cluster, cut_off, reset, status

from slipway_steps.adapters.argocd.application import ArgoCD, helm_parameters
from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.settings import PROJECT_ROOT, Settings

STAGING = Environment.STAGING
DIGEST = "sha256:" + "a" * 64
CANDIDATE = Candidate(version="7", digest=DIGEST, revision="1234e56")
SCHEMAS = PROJECT_ROOT.parent / "shared" / "schemas" / "argo-cd-3.5.1"
PODS = "/api/v1/namespaces/model-app-staging/pods"
EVENTS = "/api/v1/namespaces/model-app-staging/events"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/model-app-staging/pods"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    found = Cluster()
    account = service_account("slipway-finish")
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "kubeconfig", account)))
    found.application("model-app-staging", {"image.tag": "staging-1.0.6", "other": "kept"})
    found.lists[PODS] = found.lists[EVENTS] = []
    found.lists[METRICS] = []
    yield found
    found.close()


def platform(**more: Any) -> KubernetesPlatform:
    given = {"registry": "registry.example:5000/team", "platform": "kubernetes", "operation_timeout": 3.0, **more}
    settings = Settings(**given)
    api = Api(settings, RetryPolicy(first_wait=0.0, longest_asked=0.0))
    return KubernetesPlatform(settings, api, ArgoCD(api, settings, poll=0.01, vanished=0.3))


def parameters(cluster: Cluster) -> dict[str, str]:
    (app,) = (one for one in cluster.objects.values() if one["kind"] == "Application")
    return helm_parameters(app["spec"]["source"])


def test_a_deployment_is_over_when_its_own_operation_is(cluster: Cluster) -> None:
    platform().deploy(STAGING, CANDIDATE)
    (app,) = cluster.objects.values()
    assert app["status"]["sync"]["status"] == "Synced"
    assert helm_parameters(app["status"]["sync"]["comparedTo"]["source"]) == parameters(cluster)
    assert parameters(cluster) == {
        "image.tag": "staging-1.0.7",
        "other": "kept",
        "image.repository": "registry.example:5000/team/model-app",
        "image.digest": DIGEST,
        "modelVersion": "7",
        "revision": "1234e56",
    }
    assert platform().deployed(STAGING) == CANDIDATE


def test_deploying_it_again_changes_nothing(cluster: Cluster) -> None:
    platform().deploy(STAGING, CANDIDATE)
    platform().deploy(STAGING, CANDIDATE)
    assert len(cluster.patches) == 1


def test_a_lost_operation_is_requested_again(cluster: Cluster) -> None:
    cluster.lose = 1
    platform().deploy(STAGING, CANDIDATE)
    assert len(cluster.patches) == 2
    assert platform().deployed(STAGING) == CANDIDATE


def test_nothing_is_requested_while_another_operation_runs(cluster: Cluster) -> None:
    (path,) = cluster.objects
    cluster.objects[path]["status"]["operationState"]["phase"] = "Running"
    with pytest.raises(PlatformError, match="was not synced"):
        platform(operation_timeout=0.3).deploy(STAGING, CANDIDATE)
    assert cluster.patches == []


def test_somebody_who_was_faster_is_not_overwritten(cluster: Cluster) -> None:
    cluster.conflicts = 2
    platform().deploy(STAGING, CANDIDATE)
    assert len(cluster.patches) == 1


def test_a_failed_sync_is_said(cluster: Cluster) -> None:
    cluster.fails = True
    with pytest.raises(PlatformError, match=r"sync of model-app-staging is Failed: told"):
        platform().deploy(STAGING, CANDIDATE)


def test_a_chart_that_cannot_be_rendered_is_no_success(cluster: Cluster) -> None:
    """Argo CD calls it Healthy, and its operation Succeeded."""
    cluster.broken = True
    with pytest.raises(PlatformError, match="cannot compare model-app-staging: chart not found"):
        platform().deploy(STAGING, CANDIDATE)


def test_a_missing_application_is_said(cluster: Cluster) -> None:
    with pytest.raises(PlatformError, match="there is no Application model-app-canary"):
        platform().deploy(Environment.CANARY, CANDIDATE)


def test_an_emptied_environment_serves_nothing(cluster: Cluster) -> None:
    platform().deploy(STAGING, CANDIDATE)
    platform().empty(STAGING)
    assert platform().deployed(STAGING) is None
    assert parameters(cluster) == {"other": "kept", "replicas": "0"}
    platform().deploy(STAGING, CANDIDATE)
    assert "replicas" not in parameters(cluster)


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the CRD schemas of Argo CD are not beside this checkout")
def test_the_real_server_would_take_the_patched_application(cluster: Cluster) -> None:
    platform().deploy(STAGING, CANDIDATE)
    (file,) = SCHEMAS.glob("applications*.json")
    schema = json.loads(file.read_text())
    (app,) = cluster.objects.values()
    jsonschema.validate({**app, **cluster.patches[0], "status": None} | {"spec": app["spec"]}, _closed(schema))


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema.get("openAPIV3Schema", schema)
    return {**found, "properties": {k: v for k, v in found["properties"].items() if k != "status"}}


LABELS = {"app.kubernetes.io/instance": "model-app-staging"}
"""Of the chart's pods, and of what metrics.k8s.io says of them."""


def pod(name: str = "p-1", digest: str = DIGEST, **state: Any) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": f"r/app@{digest}",
        "env": [{"name": "SLIPWAY_IMAGE_DIGEST", "value": digest}],
        "resources": {"limits": {"memory": "256Mi", "cpu": "500m"}},
    }
    own = {"name": "app", "ready": False, "restartCount": 0, "state": {"running": {}}, **state}
    return {
        "metadata": {"name": name, "labels": LABELS},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "startTime": "2026-11-21T03:00:00Z", "containerStatuses": [own]},
    }


def test_a_running_pod(cluster: Cluster) -> None:
    cluster.lists[PODS] = [pod(ready=True, state={"running": {"startedAt": "2026-11-21T03:00:01Z"}})]
    seen = platform().observe(STAGING)
    assert (seen.pods[0].ready, seen.pods[0].digest, seen.pods[0].state.kind) == (True, DIGEST, "running")
    assert (seen.memory_limit_bytes, seen.cpu_limit_millicores) == (256 * 2**20, 500)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, "ImagePullBackOff"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3}, "CrashLoopBackOff"),
        ({"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}, "OOMKilled"),
    ],
)
def test_every_failure_has_its_name(cluster: Cluster, state: dict[str, Any], reason: str) -> None:
    cluster.lists[PODS] = [pod(**state)]
    event = {"reason": "Failed", "message": "why", "involvedObject": {"name": "p-1"}}
    other = {"reason": "Failed", "message": "another's", "involvedObject": {"name": "p-2"}, "type": "Warning"}
    started = {**event, "reason": "Started", "type": "Normal"}
    cluster.lists[EVENTS] = [{"metadata": {}, **one} for one in ({**event, "type": "Warning"}, started, other)]
    (found,) = platform().observe(STAGING).pods
    assert (found.state.reason, found.ready) == (reason, False)
    if found.state.kind == "waiting":
        assert found.state.message == "Failed: why"


def test_what_killed_a_restarted_pod_is_remembered(cluster: Cluster) -> None:
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    cluster.lists[PODS] = [pod(ready=True, lastState=last, restartCount=1)]
    (found,) = platform().observe(STAGING).pods
    assert found.last_state is not None
    assert (found.last_state.reason, found.restarts) == ("OOMKilled", 1)


def test_pods_of_another_deployment_do_not_count(cluster: Cluster) -> None:
    other = pod("other")
    other["metadata"]["labels"] = {"app.kubernetes.io/instance": "another"}
    cluster.lists[PODS] = [pod(ready=True), other]
    assert [found.name for found in platform().observe(STAGING).pods] == ["p-1"]


def test_a_pod_without_a_node_is_pending(cluster: Cluster) -> None:
    waiting = pod()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
    waiting["status"] = {"phase": "Pending", "conditions": [condition]}
    cluster.lists[PODS] = [waiting]
    (found,) = platform().observe(STAGING).pods
    assert (found.phase, found.state.kind, found.state.reason) == ("Pending", "waiting", "Unschedulable")


def test_a_pod_that_is_going_is_not_ready(cluster: Cluster) -> None:
    going = pod(ready=True)
    going["metadata"]["deletionTimestamp"] = "2026-11-21T03:00:00Z"
    cluster.lists[PODS] = [going]
    assert not platform().observe(STAGING).pods[0].ready


def metrics(at: datetime, memory: str = "100Mi", cpu: str = "120m") -> dict[str, Any]:
    containers = [
        {"name": "app", "usage": {"memory": memory, "cpu": cpu}},
        {"name": "proxy", "usage": {"memory": "1Gi", "cpu": "1"}},
    ]
    return {"metadata": {"name": "p-1", "labels": LABELS}, "timestamp": at.isoformat(), "containers": containers}


def test_usage_gathers_from_call_to_call(cluster: Cluster) -> None:
    cluster.lists[PODS] = [pod(ready=True)]
    found = platform()
    for minute in (1, 1, 2, 3):
        cluster.lists[METRICS] = [metrics(datetime(2026, 11, 21, 4, minute, tzinfo=UTC))]
        seen = found.observe(STAGING)
    assert seen.metrics_available
    assert [sample.memory_bytes for sample in seen.samples] == [100 * 2**20] * 3
    assert [(sample.cpu_millicores, sample.throttled_percent) for sample in seen.samples] == [(120.0, None)] * 3


def test_usage_of_a_pod_before_this_one_does_not_count(cluster: Cluster) -> None:
    cluster.lists[PODS] = [pod(ready=True)]
    cluster.lists[METRICS] = [metrics(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))]
    assert platform().observe(STAGING).samples == []


def test_a_cluster_without_metrics_is_told_apart(cluster: Cluster) -> None:
    cluster.lists[PODS] = [pod(ready=True)]
    del cluster.lists[METRICS]
    assert not platform().observe(STAGING).metrics_available


@pytest.mark.parametrize("fault", [status(500), status(503), status(429, Retry_After="0"), status(401), reset, cut_off])
@pytest.mark.parametrize(("method", "path"), [("GET", "pods"), ("GET", "applications"), ("PATCH", "applications")])
def test_a_fault_that_passes_is_gone_through(cluster: Cluster, method: str, path: str, fault: Any) -> None:
    cluster.lists[PODS] = [pod(ready=True)]
    cluster.faults = [(method, path, fault)]
    found = platform()
    found.deploy(STAGING, CANDIDATE)
    assert found.observe(STAGING).pods[0].ready
    assert cluster.faults == []
    assert found.deployed(STAGING) == CANDIDATE


def test_a_missing_right_is_said_and_no_token(cluster: Cluster) -> None:
    cluster.faults = [("GET", "applications", status(403))]
    with pytest.raises(PlatformError, match=r"reading Application model-app-staging failed.*role lacks") as caught:
        platform().deploy(STAGING, CANDIDATE)
    assert "secret-token" not in str(caught.value)


def test_a_server_that_stays_away_is_said(cluster: Cluster) -> None:
    cluster.faults = [("GET", "applications", reset) for _ in range(20)]
    with pytest.raises(PlatformError, match="is the API server up"):
        platform().deployed(STAGING)


def test_no_cluster_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(PlatformError, match="KUBECONFIG"):
        platform().deployed(STAGING)


@pytest.mark.parametrize(("phase", "alive"), [("Running", True), ("Pending", True), ("", True), ("Failed", False)])
def test_whether_a_release_lives(cluster: Cluster, phase: str, alive: bool) -> None:
    path = "/apis/argoproj.io/v1alpha1/namespaces/slipway/workflows/release-x"
    cluster.objects[path] = {"kind": "Workflow", "metadata": {"name": "release-x"}, "status": {"phase": phase}}
    assert platform().release_alive("release-x") is alive
    assert not platform().release_alive("release-gone")
    assert not platform().release_alive("../x")


def test_a_release_gets_labels_and_keeps_its_own(cluster: Cluster) -> None:
    path = "/apis/argoproj.io/v1alpha1/namespaces/slipway/workflows/release-x"
    metadata = {"name": "release-x", "resourceVersion": "1", "labels": {"own": "kept"}}
    cluster.objects[path] = {"kind": "Workflow", "metadata": metadata}
    platform().label_release("release-x", {"slipway.dev/model-version": "7"})
    assert cluster.objects[path]["metadata"]["labels"] == {"own": "kept", "slipway.dev/model-version": "7"}


def test_addresses() -> None:
    host = "model-app-staging-service.model-app-staging.svc.cluster.local:8000"
    assert platform().url(host) == f"http://{host}"
    assert platform().url("https://app.example/") == "https://app.example"
    with pytest.raises(BadInput):
        platform().url("a b")
