"""`slipway ... --cluster` against an API server; the workflows in it are what the local engine stores, as Argo does."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_api_server import KubeApi

from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import PROJECT_ROOT, Settings
from slipway_workflows.argo import Event
from slipway_workflows.cli import main
from slipway_workflows.cluster import ClusterWorkflows
from slipway_workflows.cluster.client import Client

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    server = KubeApi()
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    for name in ("promote-model", "promote-to-production", "revert-model", "cron-train", "release-model"):
        manifest = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
        server.add({**manifest, "metadata": {**manifest["metadata"], "namespace": "slipway"}})
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
    yield server
    server.close()


def cluster_workflows(
    warnings: list[str] | None = None, compress_above: int = 10**6, pause: Any = lambda: None
) -> ClusterWorkflows:
    """The workflows of the cluster, without waiting between two reads."""
    said = [] if warnings is None else warnings
    return ClusterWorkflows(Settings(), Client(Settings(), compress_above), said.append, pause)


def on_cluster(api: KubeApi, name: str) -> dict[str, Any]:
    return api.get("Workflow", name, "slipway")


FAILING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  onExit: bye
  arguments: {parameters: [{name: word, value: a}]}
  templates:
    - name: main
      dag:
        tasks:
          - {name: first, template: step, arguments: {parameters: [{name: code, value: "0"}]}}
          - {name: second, template: step, depends: first, arguments: {parameters: [{name: code, value: "1"}]}}
          - {name: mended, template: step, depends: second.Failed, arguments: {parameters: [{name: code, value: "0"}]}}
          - {name: last, template: step, depends: second, arguments: {parameters: [{name: code, value: "0"}]}}
          - {name: other, template: inner}
    - name: inner
      steps:
        - - name: soft
            template: step
            arguments: {parameters: [{name: code, value: "1"}]}
            continueOn: {failed: true}
    - name: step
      inputs: {parameters: [{name: code}]}
      container:
        image: busybox
        command: [sh, -c, 'exit "$CODE"']
        env: [{name: CODE, value: "{{inputs.parameters.code}}"}]
    - name: bye
      container: {image: busybox, command: ["true"]}
"""
WAITING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf, namespace: slipway}
spec: {suspend: true}
status:
  phase: Running
  nodes:
    wf: {id: wf, name: wf, displayName: wf, type: Steps, phase: Running, children: [wf-1]}
    wf-1:
      id: wf-1
      name: wf[0].ask
      displayName: ask
      type: Suspend
      phase: Running
      boundaryID: wf
      outputs: {parameters: [{name: decision, valueFrom: {supplied: {}, default: reject}}]}
"""


def failed(tmp_path: Path) -> dict[str, Any]:
    """What the local engine stores of a workflow that failed."""
    path = tmp_path / "failing.yaml"
    path.write_text(FAILING)
    assert main(["--home", str(tmp_path / "home"), "run", str(path)]) == 1
    workflow = json.loads((tmp_path / "home" / "runs" / "wf" / "workflow.json").read_text())
    workflow["metadata"]["namespace"] = "slipway"
    return workflow


def by_name(workflow: dict[str, Any]) -> dict[str, str]:
    return {node["name"]: node["phase"] for node in workflow["status"]["nodes"].values()}


def ends(workflow: dict[str, Any], phase: str) -> dict[str, Any]:
    done = copy.deepcopy(workflow)
    done["status"]["phase"] = phase
    return done


def test_submit_is_what_argo_submit_from_makes(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "release-model", "-p", "scenario=slow", "--cluster"]) == 0
    name = capsys.readouterr().out.strip()
    workflow = on_cluster(api, name)
    assert name.startswith("release-model-")
    assert workflow["spec"] == {
        "workflowTemplateRef": {"name": "release-model"},
        "arguments": {"parameters": [{"name": "scenario", "value": "slow"}]},
    }
    assert workflow["metadata"]["labels"] == {"workflows.argoproj.io/workflow-template": "release-model"}


def test_an_answer_that_was_lost_makes_no_second_workflow(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.lost = 2
    assert main(["submit", "release-model", "--cluster"]) == 0
    name = capsys.readouterr().out.strip()
    assert [key[3] for key in api.objects if key[1] == "workflows"] == [name]


def test_a_workflow_of_another_is_not_taken_for_ours(api: KubeApi) -> None:
    manifest = {**yaml.safe_load(WAITING), "kind": "Workflow"}
    api.add(copy.deepcopy(manifest))
    manifest["metadata"]["annotations"] = {"slipway.dev/submission": "mine"}
    with pytest.raises(PlatformError, match="submitting workflow wf failed"):
        Client(Settings()).create(manifest)


def test_a_cron_workflow_starts_now(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "cron-train", "--cluster"]) == 0
    workflow = on_cluster(api, capsys.readouterr().out.strip())
    assert workflow["spec"]["workflowTemplateRef"] == {"name": "release-model"}
    assert workflow["metadata"]["labels"] == {"workflows.argoproj.io/cron-workflow": "cron-train"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["logs", "gone", "--cluster"], "there is no workflow gone in namespace slipway"),
        (["watch", "gone", "--cluster"], "there is no workflow gone in namespace slipway"),
        (["retry", "@latest", "--cluster"], "there is no workflow yet"),
        (["submit", "release-model", "-p", "scenario=mad", "--cluster"], "scenario=mad is not one of its values"),
        (["submit", "release-model", "-p", "sceanrio=slow", "--cluster"], "has no parameter sceanrio"),
        (["submit", "nothing", "--cluster"], "there is no workflow template nothing"),
        (["get", "gone", "--cluster"], "there is no workflow gone in namespace slipway"),
        (["approve", "--cluster"], "name the workflow to approve"),
        (["promote", "--to", "staging", "--cluster"], "staging"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    api: KubeApi, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) == 1
    assert api.writes == []


def test_without_a_cluster_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert main(["list", "--cluster"]) == 1
    assert "no cluster is configured" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["just words\n", "a: [\n", "apiVersion: v1\nclusters: 7\n", "[]\n", ""])
def test_a_kubeconfig_of_garbage_is_one_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert main(["list", "--cluster"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "check KUBECONFIG" in line


def test_list_get_and_logs(api: KubeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = failed(tmp_path)
    api.add(workflow)
    (second,) = (node for node in workflow["status"]["nodes"].values() if node["displayName"] == "second")
    metadata = {
        "name": "wf-step-1",
        "namespace": "slipway",
        "labels": {"workflows.argoproj.io/workflow": "wf"},
        "annotations": {"workflows.argoproj.io/node-id": second["id"]},
    }
    api.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    api.logs["wf-step-1"] = "one\ntwo\n"
    capsys.readouterr()
    assert main(["list", "--cluster"]) == 0
    assert "wf" in capsys.readouterr().out
    assert main(["get", "wf", "--cluster"]) == 0
    shown = capsys.readouterr().out
    assert "second" in shown
    assert "Failed" in shown
    assert main(["logs", "wf", "second", "--cluster"]) == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert main(["logs", "wf", "first", "--cluster"]) == 0
    assert "its pod is gone" in capsys.readouterr().err


def test_a_retry_keeps_what_had_succeeded(api: KubeApi, tmp_path: Path) -> None:
    workflow = failed(tmp_path)
    api.add(workflow)
    nodes = workflow["status"]["nodes"].values()
    for node in nodes:
        if node["type"] == "Pod":
            labels = {"workflows.argoproj.io/workflow": "wf"}
            note = {"workflows.argoproj.io/node-id": node["id"]}
            metadata = {"name": f"p-{node['id']}", "namespace": "slipway", "labels": labels, "annotations": note}
            api.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    cluster_workflows().retry("wf", {"word": "b"})
    changed = on_cluster(api, "wf")
    assert by_name(changed) == {
        "wf": "Running",
        "wf.first": "Succeeded",
        "wf.other": "Succeeded",
        "wf.other[0]": "Succeeded",
        "wf.other[0].soft": "Failed",
    }
    assert changed["status"]["phase"] == "Running"
    assert "finishedAt" not in changed["status"]
    assert changed["spec"]["arguments"]["parameters"] == [{"name": "word", "value": "b"}]
    left = {one["metadata"]["name"] for key, one in api.objects.items() if key[1] == "pods"}
    kept = {node["displayName"]: f"p-{node['id']}" for node in nodes}
    assert left == {kept["first"], kept["soft"]}
    known = set(changed["status"]["nodes"])
    for node in changed["status"]["nodes"].values():
        assert set(node.get("children") or []) <= known
        assert set(node.get("outboundNodes") or []) <= known


@pytest.mark.parametrize(("phase", "said"), [("Running", "is Running"), ("Succeeded", "has succeeded")])
def test_only_what_failed_is_retried(api: KubeApi, phase: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(ends(yaml.safe_load(WAITING), phase))
    assert main(["retry", "wf", "--cluster"]) == 1
    assert said in capsys.readouterr().err
    assert api.writes == []


@pytest.mark.parametrize(("verb", "value"), [("approve", "approve"), ("reject", "reject"), ("resume", "reject")])
def test_a_question_is_answered_once(api: KubeApi, verb: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(yaml.safe_load(WAITING))
    name = ["wf"] if verb == "resume" else []
    assert main([verb, *name, "--cluster"]) == 0
    node = on_cluster(api, "wf")["status"]["nodes"]["wf-1"]
    assert node["outputs"]["parameters"] == [{"name": "decision", "value": value}]
    assert node["phase"] == "Succeeded"
    assert node["message"].startswith("Resumed by: ")
    assert "suspend" not in on_cluster(api, "wf")["spec"]
    assert main([verb, "wf", "--cluster"]) == 1
    assert "does not wait for an answer" in capsys.readouterr().err


def test_what_the_controller_writes_meanwhile_is_kept(api: KubeApi) -> None:
    workflow = yaml.safe_load(WAITING)
    api.add(workflow)
    faster = copy.deepcopy(workflow)
    faster["status"]["nodes"]["wf"]["message"] = "written by the controller"
    api.busy = [faster]
    assert main(["approve", "wf", "--cluster"]) == 0
    nodes = on_cluster(api, "wf")["status"]["nodes"]
    assert nodes["wf"]["message"] == "written by the controller"
    assert nodes["wf-1"]["phase"] == "Succeeded"


def test_many_nodes_are_compressed_as_the_controller_has_them(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(yaml.safe_load(WAITING))
    cluster_workflows(compress_above=10).answer("wf", "approve")
    status = on_cluster(api, "wf")["status"]
    assert "nodes" not in status
    cluster_workflows().stop("wf")
    assert on_cluster(api, "wf")["status"] == status
    assert main(["get", "wf", "-o", "json", "--cluster"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["nodes"]["wf-1"]["phase"] == "Succeeded"


def test_nodes_in_a_database_are_refused(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = yaml.safe_load(WAITING)
    workflow["status"] = {"phase": "Running", "offloadNodeStatusVersion": "fnv:1"}
    api.add(workflow)
    assert main(["approve", "wf", "--cluster"]) == 1
    assert "in Argo's database" in capsys.readouterr().err
    assert main(["list", "--cluster"]) == 0
    assert main(["stop", "wf", "--cluster"]) == 0


def test_stop_lets_the_exit_handler_run(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(yaml.safe_load(WAITING))
    assert main(["stop", "wf", "--cluster"]) == 0
    assert on_cluster(api, "wf")["spec"]["shutdown"] == "Stop"
    api.add(ends(yaml.safe_load(WAITING), "Succeeded"))
    assert main(["stop", "wf", "--cluster"]) == 1
    assert "it is Succeeded" in capsys.readouterr().err


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_watch_ends_with_the_workflow(api: KubeApi, phase: str) -> None:
    api.add(yaml.safe_load(WAITING))
    heard: list[Event] = []
    watched = cluster_workflows(pause=lambda: api.add(ends(yaml.safe_load(WAITING), phase))).watch("wf", heard.append)
    assert watched.phase == phase
    assert [(event.path, event.phase, event.parent) for event in heard] == [
        ("wf", "Running", None),
        ("ask", "Running", "wf"),
    ]


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 1)])
def test_the_end_is_the_exit_code(api: KubeApi, phase: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(ends(yaml.safe_load(WAITING), phase))
    assert main(["watch", "@latest", "--cluster"]) == code
    assert f"wf: {phase}" in capsys.readouterr().err


def test_a_look_that_fails_is_told_once_and_tried_again(api: KubeApi) -> None:
    hidden = {**ends(yaml.safe_load(WAITING), "Running"), "status": {"offloadNodeStatusVersion": "fnv:1"}}
    api.add(yaml.safe_load(WAITING))
    later = [hidden, hidden, ends(yaml.safe_load(WAITING), "Succeeded")]
    warnings: list[str] = []
    cluster_workflows(warnings, pause=lambda: api.add(later.pop(0))).watch("wf", lambda event: None)
    assert len(warnings) == 1
    assert "in Argo's database" in warnings[0]


UNSEEN: list[dict[str, Any]] = [
    {},
    {"phase": "Running"},
    {"phase": "Running", "nodes": {"wf": {"id": "wf", "name": "wf", "type": "Pod", "phase": "Running"}}},
    {"phase": "Pending", "nodes": {"wf": {"id": "wf", "name": "wf", "displayName": "wf", "type": "Steps"}}},
    {"phase": "Error", "message": "invalid spec"},
]


@pytest.mark.parametrize("status", UNSEEN)
@pytest.mark.parametrize("verb", ["list", "get", "logs", "graph", "retry", "approve", "resume", "stop"])
def test_every_command_takes_what_the_controller_leaves_out(
    api: KubeApi, status: dict[str, Any], verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = yaml.safe_load(WAITING)
    api.add({**workflow, "status": status} if status else {k: v for k, v in workflow.items() if k != "status"})
    if verb == "retry" and status.get("phase") == "Error":
        cluster_workflows().retry("wf", {})
        return
    more = {"list": [], "graph": ["wf", "-o", str(tmp_path / "a.svg")]}.get(verb, ["wf"])
    assert main([verb, *more, "--cluster"]) in (0, 1)
    assert len(capsys.readouterr().err.splitlines()) <= 1


def application(api: KubeApi, environment: str, version: str) -> None:
    parameters = [{"name": "image.digest", "value": "sha256:" + "a" * 64}, {"name": "modelVersion", "value": version}]
    api.add(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": f"model-app-{environment}", "namespace": "argocd"},
            "spec": {"source": {"helm": {"parameters": parameters}}},
        }
    )


@pytest.mark.parametrize(
    ("argv", "template", "expected"),
    [
        (
            ["promote", "--to", "canary"],
            "promote-model",
            {"source-environment": "staging", "target-environment": "canary", "model-version": "7"},
        ),
        (["promote", "--to", "production"], "promote-to-production", {"model-version": "8"}),
        (
            ["revert", "canary", "--reason", "slow"],
            "revert-model",
            {"target-environment": "canary", "reason": "slow", "model-version": "8"},
        ),
    ],
)
def test_promote_and_revert_name_the_version_that_a_person_sees(
    api: KubeApi, argv: list[str], template: str, expected: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    application(api, "staging", "7")
    application(api, "canary", "8")
    assert main([*argv, "--cluster"]) == 0
    workflow = on_cluster(api, capsys.readouterr().out.strip())
    assert workflow["spec"]["workflowTemplateRef"] == {"name": template}
    assert {one["name"]: one["value"] for one in workflow["spec"]["arguments"]["parameters"]} == expected
