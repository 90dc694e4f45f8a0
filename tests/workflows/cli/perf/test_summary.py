"""What a person is told of a session: nothing that did not count is passed over in silence."""

from pathlib import Path

import pytest
from steps.perf.sessions import session

from slipway_steps.domain.perf_session import PerfSession, Phase, RunOutcome
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.checks import checks_of
from slipway_workflows.cli.perf.summary import lines


def told(outcome: RunOutcome, count: int, **more: object) -> tuple[PerfSession, list[str]]:
    """A judged session of six runs, of which the first ones ended so, and its lines."""
    found = session(1, 2.0, runs=6, **more)
    runs = [run.model_copy(update={"outcome": outcome}) if at < count else run for at, run in enumerate(found.runs)]
    found = found.model_copy(update={"runs": runs})
    found = found.model_copy(update={"checks": checks_of(found)})
    return found, list(lines(found, None, Path("scenario.json")))


@pytest.mark.parametrize("mode", ["PIPELINE_RUN", "SCHEDULED_RUNS"])
def test_runs_that_were_ended_at_the_deadline_are_told_where_the_rest_passes(mode: str) -> None:
    scenario = {"mode": mode, "pipelineFileName": "p.yaml"}
    firings = [{"due": float(at), "started": float(at), "run": f"r{at}"} for at in range(6)]
    found, said = told(RunOutcome.UNFINISHED, 1, scenario=scenario, firings=firings if mode == "SCHEDULED_RUNS" else [])
    assert {check.verdict for check in found.checks} == {Verdict.PASS}
    assert any("5 of 6 succeeded" in line for line in said)
    (line,) = [line for line in said if line.startswith("passed: ")]
    (check,) = [check for check in found.checks if check.code == "runs"]
    assert line == f"passed: {check.message}"
    assert "1 was ended at the deadline" in line


def test_failures_that_the_scenario_allows_are_told() -> None:
    scenario = {"mode": "PIPELINE_RUN", "pipelineFileName": "p.yaml", "maxErrorRate": 0.5}
    _, said = told(RunOutcome.FAILED, 1, scenario=scenario)
    assert [line for line in said if line.startswith("passed: ")] == ["passed: 5 runs succeeded, 1 failed"]


def test_it_says_when_it_began_how_long_it_took_and_what_no_step_is() -> None:
    found, _ = told(RunOutcome.FAILED, 0)
    phases = [Phase(name="program-start", start=0, end=0.4), Phase(name="finish", start=1.8, end=2)]
    runs = [run.model_copy(update={"phases": phases}) for run in found.runs]
    said = list(lines(found.model_copy(update={"runs": runs}), None, Path("s.json")))
    assert "began 1970-01-01 00:16:40 UTC, took 1 min 40 s" in said
    assert any(line.endswith("   program start 0.4 s   finish 0.2 s") for line in said)


def test_where_all_runs_count_no_line_is_added() -> None:
    _, said = told(RunOutcome.FAILED, 0)
    assert not [line for line in said if line.startswith("passed: ")]
