"""The lines about a session: each thing is said once, and one of a thing is no plural."""

from pathlib import Path

import pytest
from steps.perf.sessions import session

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import ApiRequest, Firing, PerfSession
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.checks import checks_of
from slipway_workflows.cli.perf.summary import lines


def told(found: PerfSession) -> list[str]:
    """What is printed of a session."""
    return list(lines(found, None, Path("s.json")))


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        ("p99 ms", "p99 ms: 9172, at most 5000", "p99 ms: 9172, at most 5000"),
        ("interrupted", "it was interrupted", "it was interrupted"),
        ("end-to-end", "median end-to-end 7 s, at most 5", "median end-to-end 7 s, at most 5"),
        ("baseline-cpu", "cpu 7 s, ×1.20 of the baseline's 6 s", "cpu 7 s, ×1.20 of the baseline's 6 s"),
        ("error-rate", "2 of 2 runs failed", "error-rate: 2 of 2 runs failed"),
        ("stored", "cannot write", "stored: cannot write"),
    ],
)
def test_a_check_is_told_once(code: str, message: str, line: str) -> None:
    check = Check(code=code, verdict=Verdict.INCONCLUSIVE, message=message)
    assert f"inconclusive: {line}" in told(session(1, 6.0, checks=[check]))


def test_one_of_a_thing_is_no_plural() -> None:
    asked = [ApiRequest(operation="get", due=1.0, seconds=0.1, status=200)]
    found = session(1, 6.0, runs=1, requests=asked, firings=[Firing(due=1.0)])
    text = "\n".join(told(found.model_copy(update={"checks": checks_of(found)})))
    assert " · 1 run\n" in text
    assert "1 request   " in text
    assert "1 firing   " in text
    assert "inconclusive: runs: 1 run succeeded; 5 are needed" in text
    assert " · 2 runs\n" in "\n".join(told(session(1, 6.0, runs=2)))


def test_a_measure_over_its_threshold_is_named_once() -> None:
    scenario = PerfScenario(mode="RANDOM_GETS", thresholds={"p99 ms": 5000})
    found = session(1, 6.0, runs=0, scenario=scenario, measures={"p99 ms": 9172})
    said = told(found.model_copy(update={"checks": checks_of(found)}))
    assert "reject: p99 ms: 9172, at most 5000" in said
