"""The summary of a finished release, and the exit code that goes with it."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.cli.summary import exit_code, first_failure, headline, verdict_of


def release(phase: str, verdict: str | None, **pods: str) -> StoredWorkflow:
    nodes = {
        name: {"id": name, "displayName": name, "templateName": name, "type": "Pod", "phase": pod_phase}
        for name, pod_phase in pods.items()
    }
    status: dict[str, Any] = {"phase": phase, "nodes": nodes}
    if verdict:
        status["outputs"] = {"parameters": [{"name": "verdict", "value": verdict}]}
    return StoredWorkflow({"metadata": {"name": "release-model-abcde"}, "status": status})


@pytest.mark.parametrize(
    ("workflow", "code"),
    [
        (release("Succeeded", "pass", promote="Succeeded"), 0),
        (release("Failed", "reject", load="Succeeded", revert="Succeeded", rejected="Failed"), 2),
        (release("Failed", "reject", evaluate="Succeeded", rejected="Failed"), 2),
        (release("Failed", "reject", revert="Failed"), 1),
        (release("Failed", "reject", revert="Succeeded", rejected="Failed", finish="Failed"), 1),
        (release("Failed", "reject", revert="Succeeded", rejected="Failed", report="Failed"), 2),
        (release("Failed", "inconclusive", revert="Succeeded", rejected="Failed"), 1),
        (release("Failed", "error", deploy="Failed", revert="Succeeded", rejected="Failed"), 1),
        (release("Failed", "pass", promote="Failed"), 1),
        (release("Failed", "pass", build="Failed"), 1),
        (release("Failed", None, train="Failed"), 1),
        (release("Error", "reject"), 1),
    ],
)
def test_two_means_rejected_with_the_environment_as_before(workflow: StoredWorkflow, code: int) -> None:
    assert exit_code(workflow) == code


def report(gate: Gate, verdict: Verdict, message: str) -> GateReport:
    return GateReport(
        gate=gate,
        candidate=Candidate(version="2", digest="sha256:a"),
        release="r",
        verdict=verdict,
        checks=[Check(code="c", verdict=verdict, message=message)],
        started_at=time.time(),
        finished_at=time.time(),
    )


def test_the_killed_pod_is_named_before_the_refused_connection() -> None:
    reports = [
        report(Gate.EVALUATION, Verdict.PASS, "good"),
        report(Gate.INTEGRATION, Verdict.REJECT, "refused"),
        report(Gate.RESOURCES, Verdict.REJECT, "was OOMKilled"),
    ]
    decided = first_failure(reports)
    assert decided is not None
    assert decided[0].gate is Gate.RESOURCES
    workflow = release("Failed", "reject", revert="Succeeded", rejected="Failed")
    assert headline(workflow, reports) == "release-model-abcde: reject by resources: was OOMKilled"
    assert first_failure([]) is None


def test_a_headline_for_every_end() -> None:
    assert headline(release("Succeeded", "pass", promote="Succeeded"), []).endswith("promoted")
    assert "held at staging" in headline(release("Succeeded", "pass", hold="Succeeded"), [])
    assert "Failed" in headline(release("Failed", None, train="Failed"), [])
    assert verdict_of(release("Failed", None)) is None


def test_a_program_that_ends_during_the_preload_says_nothing_of_it(tmp_path: Path) -> None:
    code = """
import threading
from slipway_workflows.cli.summary import preload
main = threading.main_thread()
threading.Thread(target=lambda: (main.join(), preload())).start()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
