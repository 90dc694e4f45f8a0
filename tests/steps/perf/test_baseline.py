"""Sessions against a stored baseline: the limit, what is suspected, and what is another machine."""

import pytest
from steps.perf.sessions import FINGERPRINT, session

from slipway_steps.domain.perf_session import PerfSession, RunOutcome
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.baseline import baseline_median, judged_against_baseline, noise_floor

USUAL = [6.0, 6.1, 6.0, 6.2, 6.0]
"""Seconds of the sessions of the baseline: neighbours differ by at most 3.3 %."""
BASELINE = [session(number, seconds) for number, seconds in enumerate(USUAL, 1)]


def judged(seconds: float, *before: float, baseline: list[PerfSession] = BASELINE, **more: object) -> dict[str, Check]:
    """The checks of a session that follows others, by their codes."""
    previous = [session(10 + number, one) for number, one in enumerate(before)]
    now = session(20, seconds, **more)
    return {check.code: check for check in judged_against_baseline(now, baseline, [*baseline, *previous, now])}


def test_the_limit_is_what_a_metric_may_grow_and_what_sessions_differ() -> None:
    assert noise_floor("end-to-end", BASELINE) == pytest.approx(6.2 / 6.0 - 1)
    assert baseline_median("end-to-end", BASELINE) == 6.0
    found = judged(6.7)
    assert found["baseline-end-to-end"].verdict is Verdict.PASS
    assert found["baseline-end-to-end"].threshold == pytest.approx(6.0 * (1.1 + 0.0333), abs=1e-3)
    assert found["baseline-cpu"].threshold == pytest.approx(3.0 * (1.05 + 0.0333), abs=1e-3)


def test_one_session_over_the_limit_is_a_suspicion_the_second_in_a_row_a_regression() -> None:
    assert judged(7.0)["baseline-end-to-end"].verdict is Verdict.INCONCLUSIVE
    assert "suspected" in judged(7.0)["baseline-end-to-end"].message
    assert judged(7.0, 6.0)["baseline-end-to-end"].verdict is Verdict.INCONCLUSIVE
    assert judged(7.0, 7.0, 6.0)["baseline-end-to-end"].verdict is Verdict.INCONCLUSIVE
    again = judged(7.0, 6.0, 7.1)["baseline-end-to-end"]
    assert again.verdict is Verdict.REJECT
    assert again.message.startswith("end-to-end 7 s, ×1.17 [1.1")
    assert "of the baseline's 6 s, limit ×1.13 (10 % and 3 % of noise); for the second time" in again.message
    assert again.message.endswith("step `train` has grown most (+1 s)")


def test_a_faster_session_passes() -> None:
    assert {check.verdict for check in judged(4.0, 9.0).values()} == {Verdict.PASS}


def test_noisy_sessions_widen_the_limit() -> None:
    noisy = [session(number, seconds) for number, seconds in enumerate([6.0, 7.5, 6.0, 7.4, 6.1], 1)]
    assert judged(7.2, 7.2, baseline=noisy)["baseline-end-to-end"].verdict is Verdict.PASS
    assert judged(7.2, 7.2)["baseline-end-to-end"].verdict is Verdict.REJECT


def test_another_machine_is_named_and_proves_nothing() -> None:
    other = FINGERPRINT.model_copy(update={"kernel": "6.9", "cores": 4})
    (check,) = judged(9.0, 9.0, fingerprint=other).values()
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "cores 2 -> 4, kernel 6.1 -> 6.9" in check.message
    previous = [session(11, 9.0, fingerprint=other)]
    (found, _) = judged_against_baseline(session(20, 9.0), BASELINE, previous)
    assert found.verdict is Verdict.INCONCLUSIVE, "a slow session of another machine is no first one in a row"


def test_a_session_before_the_baseline_is_no_first_one_in_a_row() -> None:
    (found, _) = judged_against_baseline(session(20, 9.0), BASELINE, [session(0, 9.0)])
    assert found.verdict is Verdict.INCONCLUSIVE


def test_few_sessions_are_no_baseline() -> None:
    assert judged_against_baseline(session(20, 9.0), [], []) == []
    (check,) = judged(9.0, baseline=BASELINE[:4]).values()
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "has 4 sessions, 5 are needed" in check.message


def test_what_was_not_measured_is_said_and_not_passed() -> None:
    now = session(20, 6.0)
    failed = [run.model_copy(update={"outcome": RunOutcome.FAILED}) for run in now.runs]
    checks = judged_against_baseline(now.model_copy(update={"runs": failed}), BASELINE, [])
    assert {check.verdict for check in checks} == {Verdict.INCONCLUSIVE}
    assert "was not measured in the session" in checks[0].message
    assert judged(6.0, runs=0) == {}, "a mode that runs nothing has no baseline of runs"
    without = judged(6.0, unmeasured={"cpu": "no metrics server"})
    assert list(without) == ["baseline-end-to-end"], "what a target never measures is not judged"


def test_a_new_version_of_the_target_is_judged_and_named() -> None:
    """Two controllers cannot run in turn: this is what a stored baseline is for."""
    newer = FINGERPRINT.model_copy(update={"target_version": "2"})
    check = judged(9.0, 9.0, fingerprint=newer)["baseline-end-to-end"]
    assert check.verdict is Verdict.REJECT
    assert "target_version 1 -> 2" in check.message
    assert judged(6.0, 6.0, fingerprint=newer)["baseline-end-to-end"].verdict is Verdict.PASS
