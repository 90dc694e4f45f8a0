"""Sessions against a stored baseline: the limit, what is suspected, and what is another machine."""

import pytest
from perf.recorded_pairs import recorded_runs
from steps.perf.sessions import FINGERPRINT, session

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.baseline import baseline_median, judged_against_baseline, noise_floor
from slipway_steps.perf.yardstick import unsteady

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
    assert again.message.endswith("; 100 % of it in step `train` (+1.0 s)")


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
    assert "has 4 sessions of 5 or more runs, 5 are needed" in check.message


def test_what_was_not_measured_is_said_and_not_passed() -> None:
    now = session(20, 6.0)
    untold = [run.model_copy(update={"metrics": {"cpu": 3.0}}) for run in now.runs]
    check, _ = judged_against_baseline(now.model_copy(update={"runs": untold}), BASELINE, [])
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "end-to-end was not measured in the session" in check.message
    nothing = [one.model_copy(update={"runs": untold}) for one in BASELINE]
    check, _ = judged_against_baseline(now, nothing, [])
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "end-to-end was not measured in the baseline" in check.message
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


def test_under_five_runs_nothing_is_judged_against_the_baseline() -> None:
    (check,) = judged(9.0, 9.0, runs=4).values()
    assert (check.verdict, check.message) == (
        Verdict.INCONCLUSIVE,
        "4 runs succeeded, 5 are needed to judge them against the baseline",
    )
    few = [session(number, 6.0, runs=3) for number in range(1, 6)]
    (check,) = judged(9.0, 9.0, baseline=few).values()
    assert (check.verdict, check.message) == (
        Verdict.INCONCLUSIVE,
        "the baseline has 0 sessions of 5 or more runs, 5 are needed",
    )
    assert judged(9.0, 9.0, runs=5)["baseline-end-to-end"].verdict is Verdict.REJECT


def test_five_runs_have_an_interval_and_more_cpu_time_names_its_step() -> None:
    found = judged(7.0, 7.0, runs=5)
    assert "×1.17 [1.16, 1.17] of the baseline's 6 s" in found["baseline-end-to-end"].message
    assert found["baseline-cpu"].verdict is Verdict.REJECT
    assert found["baseline-cpu"].message.endswith("; step `train` takes longer (+1.0 s)")


def waiting(number: int, seconds: float, queue: float, **more: object) -> PerfSession:
    """A session whose runs wait so many seconds in the queue."""
    made = session(number, seconds, **more)
    runs = [run.model_copy(update={"metrics": {**run.metrics, "queue": queue}}) for run in made.runs]
    return made.model_copy(update={"runs": runs})


QUEUE: dict[str, object] = {"mode": "PIPELINE_RUN", "pipeline_file_name": "p.yaml", "limits": {"queue": 0.2}}
NO_QUEUE = [waiting(number, 6.0, 0.0) for number in range(1, 6)]


@pytest.mark.parametrize(
    ("thresholds", "queue", "verdict", "said"),
    [
        ({}, 0.0, Verdict.PASS, "queue 0 s, and 0 in the baseline, of which there is no ratio"),
        ({}, 3.0, Verdict.INCONCLUSIVE, "name its largest median in `thresholds`"),
        ({"queue": 2.0}, 3.0, Verdict.REJECT, "the threshold is 2 s"),
        ({"queue": 4.0}, 3.0, Verdict.PASS, "the threshold is 4 s"),
    ],
)
def test_a_usual_value_of_zero_has_no_ratio(
    thresholds: dict[str, float], queue: float, verdict: Verdict, said: str
) -> None:
    scenario = PerfScenario.model_validate(QUEUE | {"thresholds": thresholds})
    now = waiting(20, 6.0, queue, scenario=scenario)
    checks = {check.code: check for check in judged_against_baseline(now, NO_QUEUE, [])}
    assert checks["baseline-queue"].verdict is verdict
    assert said in checks["baseline-queue"].message


def test_a_queue_that_is_gone_passes() -> None:
    queued = [waiting(number, 6.0, 2.0) for number in range(1, 6)]
    now = waiting(20, 6.0, 0.0, scenario=PerfScenario.model_validate(QUEUE))
    checks = {check.code: check for check in judged_against_baseline(now, queued, [])}
    assert checks["baseline-queue"].verdict is Verdict.PASS


def marked(one: PerfSession, seconds: float) -> PerfSession:
    """The session with a yardstick before each run that took so many seconds."""
    return one.model_copy(update={"runs": [run.model_copy(update={"yardstick": seconds}) for run in one.runs]})


@pytest.mark.parametrize(
    ("mark", "verdict", "said"),
    [
        (0.020, Verdict.REJECT, "for the second time"),
        (0.022, Verdict.REJECT, "for the second time"),
        (0.0235, Verdict.REJECT, "for the second time"),
        (0.024, Verdict.INCONCLUSIVE, "the machine itself is ×1.20 slower by the yardstick, which leaves ×1.11"),
        (0.028, Verdict.INCONCLUSIVE, "the machine itself is ×1.40 slower by the yardstick, which leaves ×0.95"),
    ],
)
def test_a_slow_machine_is_no_slow_pipeline(mark: float, verdict: Verdict, said: str) -> None:
    """The pipeline takes 1.33 times as long, the limit is ×1.133: what counts is the part that the machine leaves."""
    baseline = [marked(one, 0.020) for one in BASELINE]
    now, before = marked(session(20, 8.0), mark), marked(session(19, 8.0), 0.020)
    check, _ = judged_against_baseline(now, baseline, [before])
    assert check.verdict is verdict
    assert said in check.message


@pytest.mark.parametrize("mark", [0.024, 0.030])
def test_a_session_that_the_machine_brings_under_the_limit_is_no_first_one_in_a_row(mark: float) -> None:
    baseline = [marked(one, 0.020) for one in BASELINE]
    now, before = marked(session(20, 8.0), 0.020), marked(session(19, 8.0), mark)
    check, _ = judged_against_baseline(now, baseline, [before])
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "suspected" in check.message


def test_a_pipeline_that_slows_its_own_machine_is_not_excused() -> None:
    """With several runs at a time, the yardstick of one tells how much the others use."""
    scenario = PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="p.yaml", concurrency=3)
    baseline = [marked(one, 0.020) for one in BASELINE]
    now, before = session(20, 8.0, scenario=scenario), marked(session(19, 8.0), 0.020)
    check, _ = judged_against_baseline(marked(now, 0.040), baseline, [before])
    assert check.verdict is Verdict.REJECT


@pytest.mark.parametrize(
    ("marks", "steady"),
    [
        ([20, 20, 21, 22, 24, 25, 90], True),
        ([20, 20, 22, 24, 27, 30, 31], False),
        ([20, 40, 20, 40], True),
    ],
)
def test_a_machine_that_was_not_steady_is_named(marks: list[float], steady: bool) -> None:
    made = session(1, 6.0, runs=len(marks))
    runs = [run.model_copy(update={"yardstick": mark / 1000}) for run, mark in zip(made.runs, marks, strict=True)]
    said = unsteady(made.model_copy(update={"runs": runs}))
    assert bool(said) is not steady
    if said:
        assert "took up to 20 ms before a quarter of the runs, and 30 ms or more before another" in said
    elsewhere = FINGERPRINT.model_copy(update={"target": "argo"})
    assert unsteady(made.model_copy(update={"runs": runs, "fingerprint": elsewhere})) == "", (
        "runs are on other machines"
    )


def test_most_of_the_recorded_noise_was_not_steady() -> None:
    marks = [run["yard"] for run in recorded_runs()]
    said = []
    for begin in range(0, len(marks) - 9, 10):
        made = session(1, 6.0, runs=10)
        block = zip(made.runs, marks[begin : begin + 10], strict=True)
        runs = [run.model_copy(update={"yardstick": mark}) for run, mark in block]
        said.append(bool(unsteady(made.model_copy(update={"runs": runs}))))
    assert 0.5 < sum(said) / len(said) < 0.9
