"""Commands that read, watch and stop the workflows of a cluster."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_api_server import KubeApi
from workflows.cluster.stored import WAITING, cluster_workflows, ends, failed, on_cluster

from slipway_workflows.argo import Event
from slipway_workflows.cli import main


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
