"""What is said of a session against its baseline never contradicts the verdict."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from steps.perf.sessions import session

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.baseline import judged_against_baseline

USUAL = [session(number, 6.0) for number in range(1, 6)]
SECONDS = st.floats(0.01, 100, allow_nan=False)
RUNS = st.lists(SECONDS, min_size=5, max_size=9)


def timed(number: int, seconds: list[float]) -> PerfSession:
    """A session whose runs took so many seconds."""
    made = session(number, 6.0, runs=len(seconds))
    runs = [
        run.model_copy(update={"metrics": {"end-to-end": one}}) for run, one in zip(made.runs, seconds, strict=True)
    ]
    return made.model_copy(update={"runs": runs})


def end_to_end(now: PerfSession, baseline: list[PerfSession], previous: list[PerfSession]) -> Check:
    """The check of the time from end to end."""
    checks = judged_against_baseline(now, baseline, previous)
    return next(check for check in checks if check.code == "baseline-end-to-end")


@given(
    now=RUNS,
    baseline=st.lists(RUNS, min_size=5, max_size=6),
    before=st.none() | RUNS,
)
@example(now=[0.9, 0.95, 1.24, 1.25, 1.3], baseline=[[0.688] * 5] * 5, before=None)
@example(now=[1.101] * 5, baseline=[[1.0] * 5] * 5, before=None)
def test_the_ratio_that_is_said_is_the_one_that_is_judged(
    now: list[float], baseline: list[list[float]], before: list[float] | None
) -> None:
    sessions = [timed(number, one) for number, one in enumerate(baseline, 1)]
    check = end_to_end(timed(20, now), sessions, [] if before is None else [timed(10, before)])
    told = re.search(r"×([\d.]+)(?: \[([\d.]+), ([\d.]+)\])? of the baseline's .* limit ×([\d.]+) ", check.message)
    assert told, check.message
    ratio, low, high, limit = (None if one is None else float(one) for one in told.groups())
    assert ratio is not None
    assert limit is not None
    assert (ratio > limit) is (check.verdict is not Verdict.PASS), check.message
    assert ("suspected" in check.message or "for the second time" in check.message) is (ratio > limit)
    if low is not None and high is not None:
        assert low <= ratio <= high, "an interval without the ratio beside it is of something else"


def test_runs_in_two_groups_tell_the_ratio_of_the_medians() -> None:
    baseline = [timed(number, [0.688] * 5) for number in range(1, 6)]
    check = end_to_end(timed(20, [0.9, 0.95, 1.24, 1.25, 1.3]), baseline, [])
    assert "×1.80 [" in check.message
    assert "suspected" in check.message


def parts(one: PerfSession, beside: dict[str, float] | None = None, **steps: float) -> PerfSession:
    """The session with these seconds of each step, and these beside the steps."""
    runs = [
        run.model_copy(update={"components": steps, "metrics": {**run.metrics, **(beside or {})}}) for run in one.runs
    ]
    return one.model_copy(update={"runs": runs})


def test_a_step_is_named_with_its_share_of_the_growth() -> None:
    now = parts(session(20, 8.0), load=0.5, train=7.5)
    check = end_to_end(now, [parts(one, load=0.3, train=5.7) for one in USUAL], [])
    assert check.message.endswith("; 90 % of it in step `train` (+1.8 s)")


def test_a_step_with_a_small_part_of_the_growth_is_not_named() -> None:
    now = parts(session(20, 8.0), load=0.3, train=5.8)
    check = end_to_end(now, [parts(one, load=0.3, train=5.7) for one in USUAL], [])
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "step" not in check.message


def test_time_beside_the_steps_is_named_where_the_growth_is_there() -> None:
    baseline = [parts(one, {"queue": 0.1}, load=0.3, train=5.6) for one in USUAL]
    check = end_to_end(parts(session(20, 8.0), {"queue": 2.1}, load=0.3, train=5.6), baseline, [])
    assert check.message.endswith("; 100 % of it in waiting (+2.0 s)")
