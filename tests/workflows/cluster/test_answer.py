"""Answers to a suspended workflow of a cluster: `approve`, `reject` and `resume`."""

import copy

import pytest
import yaml
from kube_api_server import KubeApi
from workflows.catalog.generated import template
from workflows.cluster.stored import WAITING, on_cluster

from slipway_workflows.cli import main


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


@pytest.mark.parametrize(
    ("phase", "message", "decision", "words"),
    [
        ("Succeeded", "Resumed by: ada", "approve", "approved by a person; Resumed by: ada"),
        ("Succeeded", "Resumed by: ada", "reject", "rejected by a person; Resumed by: ada"),
        ("Failed", "Stopped with strategy 'Stop'", None, "rejected by a person; Stopped with strategy 'Stop'"),
        ("Failed", "Step exceeded its deadline", None, "nobody answered in time; Step exceeded its deadline"),
    ],
)
def test_get_says_what_became_of_the_question(
    api: KubeApi, phase: str, message: str, decision: str | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The four ends of a question, as the controller of Argo 4.1 stores them."""
    workflow = yaml.safe_load(WAITING)
    node = workflow["status"]["nodes"]["wf-1"]
    node |= {"phase": phase, "message": message}
    if decision is not None:
        node["outputs"] = {"parameters": [{"name": "decision", "value": decision}]}
    workflow["status"]["phase"] = phase
    api.add(workflow)
    assert main(["get", "wf", "--cluster"]) == 0
    assert words in capsys.readouterr().out


def test_resume_of_a_promotion_approves_what_was_shown(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """The node as the controller makes it of the template: what it shows is an input, and a supplied output too."""
    asked = template("promote-to-production", "approve")
    workflow = yaml.safe_load(WAITING)
    outputs = asked["outputs"]["parameters"]
    shown = [{**one, "value": one.get("value", f"the {one['name']}")} for one in asked["inputs"]["parameters"]]
    workflow["status"]["nodes"]["wf-1"] |= {"outputs": {"parameters": outputs}, "inputs": {"parameters": shown}}
    api.add(workflow)
    assert main(["get", "wf", "--cluster"]) == 0
    assert "  digest: the digest" in capsys.readouterr().out
    assert main(["resume", "wf", "--cluster"]) == 0
    node = on_cluster(api, "wf")["status"]["nodes"]["wf-1"]
    values = {one["name"]: one["value"] for one in node["outputs"]["parameters"]}
    assert values["decision"] == "approve"
    assert not any("valueFrom" in one for one in node["outputs"]["parameters"])
