"""What the step `finish` tells people, of green releases and of red ones."""

import json
from dataclasses import replace
from typing import Any

import pytest
from steps.release.fakes import FakeWorld, Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.journal import Record
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_steps.release import finish

URLS = {
    "argo_url": "https://argo.example/",
    "argocd_url": "https://cd.example",
    "mlflow_url": "https://mlflow.example/",
}


def ended(verdict: Verdict = Verdict.PASS) -> Memory:
    """What the release r1 left: version 1 in canary, and the report of a gate."""
    memory = Memory()
    memory.records[Environment.CANARY] = Record(current=memory.candidate("1"))
    check = Check(code="p95", verdict=verdict, measured=2500.0, threshold=2000.0, unit="ms", message="too slow")
    memory.told["r1"] = [
        GateReport(
            gate=Gate.LOAD,
            release="r1",
            candidate=memory.candidate("1"),
            verdict=verdict,
            checks=[check],
            started_at=0.0,
            finished_at=0.0,
        )
    ]
    return memory


def told(memory: Memory, status: str, failures: Any = (), **settings: str) -> tuple[str, list[str], bool]:
    world = memory.world()
    given = FakeWorld(world.settings.model_copy(update=settings), memory, memory, memory, notifier=memory)
    quoted = json.dumps(json.dumps(list(failures)))
    finish.run(finish.Params(release="r1", workflow_status=status, workflow_failures=quoted), given)
    return memory.messages[-1]


def failure(template: str, message: str) -> dict[str, str]:
    return {"displayName": f"{template}(0)", "templateName": template, "message": message, "phase": "Failed"}


def test_the_message_says_which_pod_no_node_took() -> None:
    no_node = "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu."
    failures = [failure("train", no_node), failure("train", no_node), failure("rejected", "Error (exit code 2)")]
    summary, lines, failed = told(ended(), "Failed", failures)
    assert summary == "r1: Failed"
    assert failed
    assert lines.count(f"train: {no_node}") == 1
    assert not [line for line in lines if line.startswith("rejected")]


def test_a_pod_that_was_given_up_says_why_no_node_took_it() -> None:
    """Argo only says that the time is over; the events of the pod say why."""
    memory = ended()
    memory.no_node["r1-train-1"] = "0/1 nodes are available: 1 Insufficient memory."
    given_up = failure("train", "Step exceeded its deadline") | {"podName": "r1-train-1"}
    lines = told(memory, "Failed", [given_up, failure("build", "Error (exit code 1)") | {"podName": "r1-build-1"}])[1]
    assert "train: Unschedulable: 0/1 nodes are available: 1 Insufficient memory. (Step exceeded its deadline)" in lines
    assert "build: Error (exit code 1)" in lines


@pytest.mark.parametrize("text", ["", "{{workflow.failures}}", '"[{}]"', "[1]", "3", '"['])
def test_a_list_of_failures_in_another_form_keeps_nothing_from_being_told(text: str) -> None:
    memory = ended()
    finish.run(finish.Params(release="r1", workflow_status="Failed", workflow_failures=text), memory.world())
    assert memory.messages[-1][0] == "r1: Failed"


@pytest.mark.parametrize(("status", "failed"), [("Succeeded", False), ("Failed", True)])
def test_green_and_red_alike_link_to_every_ui(status: str, failed: bool) -> None:
    _, lines, was_failed = told(ended(), status, **URLS)
    assert was_failed is failed
    assert lines[0] == "model version 1: serves in canary"
    run = "https://mlflow.example/#/experiments/3/runs/abc"
    assert [line for line in lines if "https://" in line] == [
        "workflow: https://argo.example/workflows/slipway/r1",
        f"report: {run}/artifacts/report/report.html",
        f"MLflow: {run}",
        *(f"Argo CD, {e}: https://cd.example/applications/argocd/model-app-{e}" for e in Environment),
        "promote to production: https://argo.example/workflow-templates/slipway/promote-to-production"
        "?sidePanel=submit&parameters%5Bmodel-version%5D=1",
    ]


def test_an_address_that_is_not_set_is_not_linked_to() -> None:
    memory = ended()
    assert not [line for line in told(memory, "Failed")[1] if "://" in line or "runs:" in line]
    only = told(memory, "Failed", argocd_url=URLS["argocd_url"])[1]
    assert len([line for line in only if "https://" in line]) == len(Environment)


def test_a_report_that_is_a_file_of_one_machine_is_not_linked_to() -> None:
    memory = replace(ended(), stored=None)
    assert not [line for line in told(memory, "Failed", **URLS)[1] if line.startswith("report: ")]
