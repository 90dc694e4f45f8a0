import re
from pathlib import Path

import pytest
from browser import CHROMIUM, shown
from sampling import for_acceptance

from slipway_steps.domain.validation import E2ETestResult, E2EValidationReport, Outcome, ReadinessSection, RuleResult
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.validation.lines import faults_of, headline, line_of
from slipway_workflows.validation.page import write_validation_report


def result(name: str = "oversized", **more: object) -> E2ETestResult:
    told: dict[str, object] = {
        "scenario_name": name,
        "success": True,
        "verdict": Verdict.PASS,
        "expect": "rejected",
        "outcome": Outcome.REJECTED,
        "total_duration": 41.3,
        "peak_memory_usage": 1.31,
        "memory_limit_gb": 4.0,
        "timeout_minutes": 30,
        "steps_expected": 10,
        "steps_executed": 12,
        "steps_failed": 1,
    }
    return E2ETestResult.model_validate(told | more)


BAD = result(
    "slow <b>",
    success=False,
    verdict=Verdict.REJECT,
    outcome=Outcome.PROMOTED,
    steps_missing=["revert"],
    error_details="promoted, but rejected was expected\ndid not run: revert",
    validation_results={"load.p95": RuleResult(measured=150.5, wanted="at least 2000", passed=False)},
    performance_metrics={"train": 3.0, "load": 1.5},
    failed_step="load",
    last_lines=["error: no <answer>"],
    left_behind=["sleep 99"],
)


def test_the_line_is_that_of_the_issue() -> None:
    assert line_of(result()) == "rejected as expected   10/10 steps   41.3 s   peak 1.31 GiB of 4.0"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"outcome": Outcome.PROMOTED}, "promoted, expected rejected"),
        ({"success": False}, "rejected, but not as expected"),
        ({"outcome": Outcome.PROMOTED, "expect": "succeeded"}, "promoted as expected"),
        ({"outcome": Outcome.TIMEOUT}, "killed: too late"),
        ({"outcome": Outcome.MEMORY}, "killed: too much memory"),
        ({"outcome": Outcome.REFUSED}, "could not be run"),
    ],
)
def test_how_it_ended_is_told_in_words(more: dict[str, object], said: str) -> None:
    assert headline(result(**more)) == said


def test_what_is_not_as_expected_is_told_below() -> None:
    assert list(faults_of(result())) == []
    assert list(faults_of(BAD)) == [
        "promoted, but rejected was expected",
        "did not run: revert",
        "was still running at the end, and was killed: sleep 99",
        "load said last:",
        "  error: no <answer>",
    ]


KILLED = result(
    "hangs",
    success=False,
    verdict=Verdict.REJECT,
    outcome=Outcome.TIMEOUT,
    error_details="killed after 1 minutes, its timeout, while load, gate ran",
    performance_metrics={"train": 3.0, "load": 57.0, "gate": 1.0},
    running_steps=["load", "gate"],
    failed_step="load",
    last_lines=["waiting <for> the lock"],
    running_lines={"gate": ["step <two>"]},
)


def test_a_step_that_ran_at_the_kill_is_told_with_its_last_lines(tmp_path: Path) -> None:
    assert list(faults_of(KILLED)) == [
        "killed after 1 minutes, its timeout, while load, gate ran",
        "load said last:",
        "  waiting <for> the lock",
        "gate said last:",
        "  step <two>",
    ]
    page = write_validation_report(report(KILLED), tmp_path / "r.html").read_text()
    assert "<dt>Ran at the kill</dt><dd>load, gate</dd>" in page
    for said in ("Last lines of load", "waiting &lt;for&gt; the lock", "Last lines of gate", "step &lt;two&gt;"):
        assert said in page
    assert "Last lines of slipway run" not in page


def report(*results: E2ETestResult, **more: object) -> E2EValidationReport:
    return E2EValidationReport.model_validate(
        {"directory": "scenarios", "started": 0, "finished": 60, "results": list(results)} | more
    )


def test_the_page_has_every_scenario_rule_and_step_and_escapes_what_programs_say(tmp_path: Path) -> None:
    page = write_validation_report(report(result(), BAD), tmp_path / "r.html").read_text()
    for text in ("1 of 2 scenarios not as expected: slow &lt;b&gt;", "10 of 10", "9 of 10", "150.5", "at least 2000"):
        assert text in page
    assert "error: no &lt;answer&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_the_title_says_ready_only_as_far_as_it_was_checked(tmp_path: Path) -> None:
    sections = [
        ReadinessSection(title="System validation", verdict=Verdict.PASS, lines=["1 of 1"]),
        ReadinessSection(title="Security", verdict=None, lines=["not run: no checkov"]),
    ]
    page = write_validation_report(report(result(), sections=sections), tmp_path / "r.html").read_text()
    assert "Ready, as far as it was checked: 1 of 2 sections" in page
    assert "not run: no checkov" in page
    sections[1] = sections[1].model_copy(update={"verdict": Verdict.REJECT})
    page = write_validation_report(report(result(), sections=sections), tmp_path / "r.html").read_text()
    assert "Not ready: Security" in page


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian package chromium)")
@pytest.mark.parametrize("width", [1280, for_acceptance(390)])
def test_long_lines_and_names_widen_no_page(tmp_path: Path, width: int) -> None:
    lines = ["z" * 400, "/a/long/path" * 30]
    long = result("n" * 200, success=False, last_lines=lines, left_behind=["y" * 200], steps_running={"load": lines})
    page = write_validation_report(report(long, BAD), tmp_path / "report.html")
    beyond, letters = shown(page, width)
    assert beyond <= 0
    assert letters > 1000


def test_what_is_broken_is_not_called_unexpected(tmp_path: Path) -> None:
    broken = result("c", success=False, verdict=Verdict.ERROR, outcome=Outcome.BROKEN)
    assert headline(broken) == "broken"
    page = write_validation_report(report(result(), broken), tmp_path / "r.html").read_text()
    assert "1 of 2 scenarios broken: c" in page
    assert "not as expected" not in page
    page = write_validation_report(report(BAD, broken), tmp_path / "r.html").read_text()
    assert "1 of 2 scenarios not as expected: slow &lt;b&gt;; 1 of 2 scenarios broken: c" in page


def test_a_report_of_nothing_is_no_pass() -> None:
    assert report().verdict is Verdict.INCONCLUSIVE
    assert report(result(), BAD).verdict is Verdict.REJECT
    assert report(result(), result(verdict=Verdict.ERROR)).verdict is Verdict.ERROR
    assert report(result()).verdict is Verdict.PASS
