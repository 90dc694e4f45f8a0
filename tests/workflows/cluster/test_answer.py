"""Answers to a suspended workflow of a cluster: `approve`, `reject` and `resume`."""

import copy

import pytest
import yaml
from kube_api_server import KubeApi
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
