"""What finished runs tell of their templates."""

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_session import Phase, RunOutcome, RunSample
from slipway_steps.perf.observe import observe, seconds_of


def sample(pipeline: str, seconds: float, outcome: str = "succeeded", **blanks: float) -> RunSample:
    phases = [Phase(name=name.replace("_", "-"), start=0, end=end) for name, end in blanks.items()]
    return RunSample(
        run=f"{pipeline}-x7k2p",
        pipeline=pipeline,
        started=0,
        outcome=RunOutcome(outcome),
        metrics={"end-to-end": seconds, "queue": 2},
        components={"train": seconds - 1, "load": 0.5},
        phases=[*phases, Phase(name="run", start=0, end=seconds)],
    )


def test_a_template_is_told_by_the_median_of_what_succeeded() -> None:
    (found,) = observe([sample("a", 10), sample("a", 20), sample("a", 90), sample("a", 1, "failed")])
    assert (found.pipeline, found.runs, found.failed, found.median, found.p95) == ("a", 4, 1, 20, 90)
    assert (found.queue, found.components) == (2, {"train": 19, "load": 0.5})


def test_blanks_are_named_with_their_setting() -> None:
    (found,) = observe([sample("a", 30, between_steps=12, queue=0.4)])
    assert found.blanks == {"between-steps": 12}
    assert "DEFAULT_REQUEUE_TIME" in str(found.told()["settings"])


def test_templates_with_the_most_time_come_first_and_unknown_ones_go_by_their_name() -> None:
    nameless = sample("release-model", 100).model_copy(update={"pipeline": ""})
    assert [one.pipeline for one in observe([sample("small", 1), nameless])] == ["release-model", "small"]


def test_runs_that_failed_are_counted_and_not_timed() -> None:
    (found,) = observe([sample("a", 1, "failed")])
    assert (found.median, found.failed) == (None, 1)


def test_a_template_that_got_slower_is_a_hint() -> None:
    before = [sample("a", 10 + number / 10).model_copy(update={"started": 100.0 * number}) for number in range(12)]
    after = [
        sample("a", 20 + number / 10).model_copy(update={"started": 10_000.0 + 100 * number, "run": f"a-{number}"})
        for number in range(12)
    ]
    steady = [sample("b", 10 + number * 7 % 5).model_copy(update={"started": 100.0 * number}) for number in range(24)]
    slower, other = observe([*after, *before, *steady])
    assert slower.hints[0].startswith("end-to-end changed by ×1.9")
    assert " with a-0, p 0.00" in slower.hints[0]
    assert other.hints == []
    assert slower.times[0] == (0.0, 10.0), "in the order of time"
    assert observe(before[:9])[0].hints == []


@pytest.mark.parametrize(("text", "seconds"), [("7d", 604800), ("1.5h", 5400), ("30m", 1800), ("1w", 604800)])
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 days", "1e3d"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        seconds_of(text)
