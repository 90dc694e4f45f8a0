"""A person releases on a cluster with the rights that docs/security.md lists, and with no others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_api_server import KubeApi
from kube_rbac import Rights
from kube_server import Cluster
from kube_workloads import DIGEST, pod, served

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.cli import main, workflow_commands

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
ARGO = "argoproj.io/v1alpha1"


def rules() -> dict[str, list[dict[str, Any]]]:
    page = (PROJECT_ROOT / "docs" / "security.md").read_text()
    listed: dict[str, list[dict[str, Any]]] = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    return listed


def granted(namespace: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    api = "rbac.authorization.k8s.io/v1"
    metadata = {"name": "people", "namespace": namespace}
    return [
        {"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": found},
        {
            "apiVersion": api,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"kind": "Role", "name": "people"},
            "subjects": [{"kind": "User", "name": "jane"}],
        },
    ]


def workflow(name: str, phase: str, node: dict[str, Any]) -> dict[str, Any]:
    first = {"id": name, "name": name, "displayName": name, "type": "Steps", "phase": phase, "children": [f"{name}-1"]}
    times = {"startedAt": "2026-11-21T03:00:00Z", "finishedAt": "2026-11-21T03:00:05Z"}
    second = {"id": f"{name}-1", "name": f"{name}[0].s", "displayName": "s", "boundaryID": name, **times, **node}
    return {
        "apiVersion": ARGO,
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": "slipway"},
        "spec": {"workflowTemplateRef": {"name": "promote-to-production"}},
        "status": {"phase": phase, "nodes": {name: first | times, f"{name}-1": second}},
    }


def waiting(name: str) -> dict[str, Any]:
    decision = {"name": "decision", "valueFrom": {"supplied": {}, "default": "reject"}}
    return workflow(name, "Running", {"type": "Suspend", "phase": "Running", "outputs": {"parameters": [decision]}})


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    server = KubeApi()
    for namespace, key in (("slipway", "workflows"), ("argocd", "applications")):
        server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        server.add(*granted(namespace, rules()[key]))
    for name in ("promote-model", "promote-to-production", "revert-model", "cron-train", "release-model", "doctor"):
        manifest = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
        server.add({**manifest, "metadata": {**manifest["metadata"], "namespace": "slipway"}})
    for environment in ("staging", "canary", "production"):
        parameters = [{"name": "image.digest", "value": "sha256:" + "a" * 64}, {"name": "modelVersion", "value": "7"}]
        metadata = {"name": f"model-app-{environment}", "namespace": "argocd"}
        spec = {"source": {"helm": {"parameters": parameters}}}
        server.add({"apiVersion": ARGO, "kind": "Application", "metadata": metadata, "spec": spec})
    server.add(*(waiting(f"ask-{number}") for number in range(4)))
    pod = {"type": "Pod", "phase": "Failed", "templateName": "s"}
    server.add(workflow("failed", "Failed", pod))
    labels = {"workflows.argoproj.io/workflow": "failed"}
    annotations = {"workflows.argoproj.io/node-id": "failed-1"}
    metadata = {"name": "failed-pod", "namespace": "slipway", "labels": labels, "annotations": annotations}
    server.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
    server.logs["failed-pod"] = "said\n"
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig", "jane")))
    # no controller is there that would end what goes on
    monkeypatch.setattr(workflow_commands, "follow", lambda there, execution, output="text": 0)
    monkeypatch.chdir(tmp_path)
    yield server
    server.close()


@pytest.mark.parametrize(
    "command",
    [
        "submit release-model",
        "submit cron-train",
        "list",
        "get ask-0",
        "graph failed --output graph.svg",
        "logs failed",
        "approve ask-0",
        "reject ask-1",
        "resume ask-2",
        "stop ask-3",
        "retry failed",
        "promote --to canary",
        "promote --to production",
        "revert canary",
        "submit doctor",
    ],
)
def test_the_listed_rights_are_enough(api: KubeApi, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--cluster"]) == 0
    said = capsys.readouterr()
    assert "forbidden" not in said.out + said.err
    assert "warning" not in said.err


@pytest.mark.parametrize("rule", [*rules()["workflows"]], ids=lambda rule: rule["resources"][0])
def test_none_of_them_is_too_much(api: KubeApi, rule: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Without any one of them something fails, by name."""
    left = [one for one in rules()["workflows"] if one != rule]
    api.add(*granted("slipway", left))
    commands_of = {
        "workflows": "list",
        "workflowtemplates": "submit release-model",
        "pods": "logs failed",
        "pods/log": "logs failed",
    }
    assert main([*commands_of[rule["resources"][0]].split(), "--cluster"]) != 0
    assert "is forbidden" in capsys.readouterr().err


def status(path: Path, environments: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> str:
    """What `slipway status --cluster` prints for a person with these rights in each environment."""
    cluster = Cluster()
    try:
        roles = granted("argocd", rules()["applications"])
        for environment in ("staging", "canary", "production"):
            cluster.application(f"model-app-{environment}", {"image.digest": DIGEST, "modelVersion": "7"})
            roles += granted(f"model-app-{environment}", environments)
        # a container that waits: the events of its pod are looked at too
        served(cluster, pod(state={"waiting": {"reason": "ImagePullBackOff"}}))
        cluster.rights = Rights(roles)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", str(cluster.kubeconfig(path / "kubeconfig", "jane")))
            assert main(["status", "--cluster", "--output", "json"]) == 0
        return capsys.readouterr().out
    finally:
        cluster.close()


def test_the_listed_rights_are_enough_to_see_the_environments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = status(tmp_path, rules()["environments"], capsys)
    assert "forbidden" not in said
    assert "ImagePullBackOff" in said


@pytest.mark.parametrize("rule", rules()["environments"], ids=lambda rule: "-".join(rule["resources"]))
def test_each_of_those_is_needed(rule: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for resource in rule["resources"]:
        less = rule | {"resources": [one for one in rule["resources"] if one != resource]}
        left = [less if one == rule else one for one in rules()["environments"]]
        assert f"{resource}" in status(tmp_path, left, capsys).partition("forbidden")[0]
