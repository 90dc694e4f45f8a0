"""Environments on a cluster: Argo CD's timeline, faults of the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kube_rbac import service_account
from kube_server import Cluster, cut_off, reset, status
from kube_workloads import DIGEST, deployment, pod, served

from slipway_steps.adapters.argocd.application import ArgoCD, helm_parameters
from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, PlatformError, Refused
from slipway_steps.settings import PROJECT_ROOT, Settings

STAGING = Environment.STAGING
CANDIDATE = Candidate(version="7", digest=DIGEST, revision="1234e56")
SCHEMAS = PROJECT_ROOT.parent / "shared" / "schemas" / "argo-cd-3.5.1"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    found = Cluster()
    account = service_account("slipway-finish")
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "kubeconfig", account)))
    found.application("model-app-staging", {"image.tag": "staging-1.0.6", "other": "kept"})
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


def test_what_was_deleted_behind_argo_cd_is_synced_again(cluster: Cluster) -> None:
    platform().deploy(STAGING, CANDIDATE)
    (app,) = cluster.objects.values()
    app["status"]["health"]["status"] = "Missing"
    with pytest.raises(PlatformError, match="resources of it are missing"):
        platform(operation_timeout=1.0).deploy(STAGING, CANDIDATE)
    assert len(cluster.patches) >= 2


def test_an_application_that_is_degraded_takes_another_version(cluster: Cluster) -> None:
    (app,) = cluster.objects.values()
    app["status"]["health"]["status"] = "Degraded"
    platform().deploy(STAGING, CANDIDATE)
    assert platform().deployed(STAGING) == CANDIDATE


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


def running() -> dict[str, Any]:
    """A Deployment that runs the candidate, as the chart model-app renders it."""
    annotations = {"slipway.dev/model-version": CANDIDATE.version, "slipway.dev/revision": CANDIDATE.revision}
    template = {"metadata": {"annotations": annotations}, "spec": pod()["spec"]}
    return deployment() | {"spec": {"replicas": 1, "template": template}}


@pytest.mark.parametrize("change", ["deploy", "empty"])
def test_what_git_has_deployed_is_not_overridden_by_parameters(cluster: Cluster, change: str) -> None:
    """In Git mode, by a program that was not told of the repository: each later commit would have no effect."""
    served(cluster, of=running())
    with pytest.raises(Refused, match="takes its version from Git") as caught:
        platform().deploy(STAGING, CANDIDATE) if change == "deploy" else platform().empty(STAGING)
    assert "SLIPWAY_DEPLOY_REPOSITORY" in str(caught.value)
    assert cluster.patches == []


def test_parameters_that_somebody_removed_are_set_again(cluster: Cluster) -> None:
    """Argo CD has not synced that yet, so the Deployment still says what stood there."""
    served(cluster, of=running())
    (app,) = (one for one in cluster.objects.values() if one["kind"] == "Application")
    app["status"]["sync"]["status"] = "OutOfSync"
    platform().deploy(STAGING, CANDIDATE)
    assert platform().deployed(STAGING) == CANDIDATE


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


@pytest.mark.parametrize("fault", [status(500), status(503), status(429, Retry_After="0"), status(401), reset, cut_off])
@pytest.mark.parametrize(("method", "path"), [("GET", "pods"), ("GET", "applications"), ("PATCH", "applications")])
def test_a_fault_that_passes_is_gone_through(cluster: Cluster, method: str, path: str, fault: Any) -> None:
    served(cluster, pod(ready=True))
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
