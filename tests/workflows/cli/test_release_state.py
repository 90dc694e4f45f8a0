"""What the summary of a release shows is read by a program that is forked from the steps' own process."""

import json
import os
import subprocess
import sys
from pathlib import Path

from engine_runs import call, pod, prepared, steps

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_workflows.cli.release_state import ReleaseState

REPORT = GateReport(
    gate=Gate.LOAD,
    candidate=Candidate(version="1", digest="sha256:" + "a" * 64),
    release="r",
    verdict=Verdict.PASS,
    checks=[Check(code="p95", verdict=Verdict.PASS, message="fast", measured=1.5, threshold=float("inf"))],
    started_at=1.0,
    finished_at=2.0,
)


def test_it_survives_json() -> None:
    state = ReleaseState([REPORT], {"staging": {"version": "1", "url": None}})
    assert ReleaseState.from_json(state.to_json().encode()) == state


def test_what_another_program_printed_is_no_state() -> None:
    for text in (b"", b"Traceback", b"5", b"{}", b'{"reports": [{}], "environments": {}}', b"\xff"):
        assert ReleaseState.from_json(text) is None


def test_the_program_prints_the_environments_of_a_home_without_releases(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "slipway_workflows.cli.release_state", "r"],
        env={**os.environ, "SLIPWAY_HOME": str(tmp_path / "home")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    state = ReleaseState.from_json(done.stdout)
    assert state is not None
    assert state.reports == []
    assert {now["phase"] for now in state.environments.values()} == {"Empty"}


def test_a_program_looks_at_the_workflow_that_has_ended(tmp_path: Path) -> None:
    run = prepared(tmp_path, steps([call("a", "work")]), pod("work"))
    run.execute(afterwards=["json.tool", str(run.store.directory / "workflow.json")])
    assert json.loads(run.output_afterwards)["status"]["phase"] == "Succeeded"


def test_a_program_that_fails_has_no_output(tmp_path: Path) -> None:
    run = prepared(tmp_path, pod("main"))
    workflow = run.execute(afterwards=["slipway_no_such_module"])
    assert workflow["status"]["phase"] == "Succeeded"
    assert run.output_afterwards == b""
