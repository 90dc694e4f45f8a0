"""`slipway status --cluster` and `doctor --cluster`: what is seen of the environments from outside."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kube_api_server import KubeApi
from kube_server import Cluster
from kube_workloads import DIGEST, deployment, evicted, pod, served

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.settings import PROJECT_ROOT, Settings
from slipway_workflows.cli import main
from slipway_workflows.cluster import workflows
from slipway_workflows.cluster.client import Client


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    found = Cluster()
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setenv("SLIPWAY_TRACKING_URI", "http://mlflow.invalid:5000")
    found.application("model-app-staging", {"image.digest": DIGEST, "modelVersion": "7"})
    found.application("model-app-canary")
    yield found
    found.close()


def standing(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str | None]]:
    started = time.monotonic()
    assert main(["status", "--cluster", "--output", "json"]) == 0
    assert time.monotonic() - started < 20, "waited on a name that does not resolve"
    written = capsys.readouterr()
    assert "last good: unknown: MLflow at http://mlflow.invalid:5000: the name mlflow.invalid" in written.err
    found: dict[str, dict[str, str | None]] = json.loads(written.out)["environments"]
    return found


def test_status_is_read_from_the_kubernetes_api_alone(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    served(cluster, evicted(), pod(ready=True))
    found = standing(capsys)
    assert (found["staging"]["version"], found["staging"]["phase"], found["staging"]["message"]) == ("7", "Running", "")
    assert found["staging"]["url"] == "http://model-app-staging-service.model-app-staging.svc.cluster.local:8000"
    assert (found["canary"]["version"], found["canary"]["phase"]) == (None, "Empty")
    assert found["production"]["phase"] == "Unknown"
    assert "there is no Application model-app-production" in str(found["production"]["message"])


def test_status_says_why_an_environment_does_not_serve(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = pod()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: cpu"}
    waiting["status"] = {"phase": "Pending", "conditions": [condition]}
    served(cluster, waiting)
    (path,) = [path for path in cluster.objects if path.endswith("applications/model-app-staging")]
    cluster.objects[path]["status"]["health"]["status"] = "Degraded"
    staging = standing(capsys)["staging"]
    assert staging["phase"] == "Unschedulable"
    assert staging["message"] == "pod p-1: 0/1 nodes: cpu; it is Degraded"


def in_git_mode(cluster: Cluster, replicas: int = 1) -> None:
    """Staging as a release in Git mode leaves it: an Application without parameters of ours, and a Deployment."""
    cluster.application("model-app-staging", {"pullPolicy": "Always"})
    made = deployment()
    container = pod(digest=DIGEST if replicas else "")["spec"]["containers"][0]
    annotations = {"slipway.dev/model-version": "3" if replicas else "", "slipway.dev/revision": "abc"}
    made["spec"] = {
        "replicas": replicas,
        "template": {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}},
    }
    served(cluster, *([pod(ready=True)] if replicas else []), of=made)


def test_in_git_mode_status_is_what_the_deployment_runs(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine of the person who asks does not know the repository in which the releases are commits."""
    in_git_mode(cluster)
    staging = standing(capsys)["staging"]
    assert (staging["version"], staging["digest"], staging["phase"]) == ("3", DIGEST, "Running")


def test_in_git_mode_an_emptied_environment_is_empty(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    in_git_mode(cluster, replicas=0)
    staging = standing(capsys)["staging"]
    assert (staging["version"], staging["phase"]) == (None, "Empty")


def test_in_git_mode_the_version_that_is_promoted_is_the_one_that_the_deployment_runs(cluster: Cluster) -> None:
    settings, warnings = Settings(platform="kubernetes"), list[str]()
    found = workflows.ClusterWorkflows(settings, Client(settings), warnings.append)
    in_git_mode(cluster)
    assert found.version_in(Environment.STAGING) == "3"
    in_git_mode(cluster, replicas=0)
    with pytest.raises(Refused, match="staging serves nothing"):
        found.version_in(Environment.STAGING)
    assert not warnings


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    server = KubeApi()
    manifest = yaml.safe_load((PROJECT_ROOT / "workflows" / "manifests" / "doctor.yaml").read_text())
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    server.add({**manifest, "metadata": {**manifest["metadata"], "namespace": "slipway"}})
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setattr(workflows, "POLL", 0.05)
    yield server
    server.close()


LOG = "staging: mended\n"


class Controller(threading.Thread):
    """Runs the one pod of the workflow that is submitted, and deletes it, where `deleted`, `before` the workflow ends.

    The log of the pod is archived, as charts/platform has it.
    """

    def __init__(self, api: KubeApi, phase: str, deleted: bool = False, before: float = 0.0) -> None:
        super().__init__()
        self.api, self.phase, self.deleted, self.before = api, phase, deleted, before

    def run(self) -> None:
        while not (found := [one for key, one in self.api.objects.items() if key[1] == "workflows"]):
            time.sleep(0.02)
        name = found[0]["metadata"]["name"]
        archived = {"name": "main-logs", "s3": {"key": f"{name}/n/main.log"}}
        node = {"id": "n", "name": name, "displayName": "doctor", "type": "Pod", "outputs": {"artifacts": [archived]}}
        metadata = {"name": "p", "namespace": "slipway", "annotations": {"workflows.argoproj.io/node-id": "n"}}
        metadata["labels"] = {"workflows.argoproj.io/workflow": name}  # type: ignore[assignment]
        self.api.logs["p"] = LOG
        if not self.deleted or self.before:
            self.api.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
        if self.before:
            self.api.add({**found[0], "status": {"phase": "Running", "nodes": {"n": {**node, "phase": self.phase}}}})
            time.sleep(self.before)
        if self.deleted:
            self.api.objects.pop(("v1", "pods", "slipway", "p"), None)
        self.api.add({**found[0], "status": {"phase": self.phase, "nodes": {"n": {**node, "phase": self.phase}}}})


@pytest.mark.parametrize(("mend", "phase", "code"), [(True, "Succeeded", 0), (False, "Failed", 1)])
def test_doctor_is_submitted_and_followed(
    api: KubeApi, mend: bool, phase: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    controller = Controller(api, phase)
    controller.start()
    assert main(["doctor", "--cluster", *(["--mend"] if mend else [])]) == code
    controller.join()
    assert capsys.readouterr().out == LOG
    (workflow,) = [one for key, one in api.objects.items() if key[1] == "workflows"]
    given = workflow["spec"].get("arguments", {}).get("parameters", [])
    assert given == ([{"name": "mend", "value": "true"}] if mend else [])


def test_doctor_reads_the_log_when_the_step_ends_because_argo_deletes_the_pod(
    api: KubeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    controller = Controller(api, "Succeeded", deleted=True, before=1.0)
    controller.start()
    assert main(["doctor", "--cluster"]) == 0
    controller.join()
    written = capsys.readouterr()
    assert written.out == LOG
    assert "warning" not in written.err


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 1)])
def test_doctor_whose_log_cannot_be_read_has_the_exit_code_of_its_workflow(
    api: KubeApi, phase: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_ARGO_URL", raising=False)
    controller = Controller(api, phase, deleted=True)
    controller.start()
    assert main(["doctor", "--cluster"]) == code
    controller.join()
    (workflow,) = [key[3] for key in api.objects if key[1] == "workflows"]
    written = capsys.readouterr()
    assert written.out == ""
    assert f"its log is in the archive as {workflow}/n/main.log" in written.err
    assert "SLIPWAY_ARGO_URL" in written.err
    assert f"{workflow}: {phase}" in written.err
