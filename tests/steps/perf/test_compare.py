"""Comparisons of two sides whose runs are told beforehand: what is judged, when it ends, and what is left behind."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from steps.perf.comparisons import Compared, Make, noisy, verdicts
from steps.perf.fake_target import FakeTarget, failed

from slipway_steps.domain.comparison import Side
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.perf_comparison import PerfComparison
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.verdict import Verdict
from slipway_steps.files import lock_directory


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Compared]:
    def make(base: Make, head: Make, **more: object) -> Compared:
        return Compared(base, head, tmp_path, **more)

    return make


def test_the_same_on_both_sides_passes_after_few_pairs(compared: Callable[..., Compared]) -> None:
    asked = compared(noisy(seed=1), noisy(seed=2), warmUp=2)
    found = asked.run()
    assert found.verdict is Verdict.PASS
    assert verdicts(found) == {"end-to-end": Verdict.PASS, "cpu": Verdict.PASS}
    assert len(found.pairs) in (10, 20)
    assert asked.warm == [True] * 4 + [False] * (2 * len(found.pairs))
    assert all(pair.head.yardstick == 0.02 and not pair.head.warm_up for pair in found.pairs)
    assert [pair.number for pair in found.pairs] == list(range(1, len(found.pairs) + 1))
    for side, target in asked.targets.items():
        assert target.removed == [f"perf-x-{side}"]
        kept = asked.session(side)
        assert kept is not None
        assert len(kept.counted) == len(found.pairs)
        assert kept.revision == side
        os.close(lock_directory(asked.directory / kept.name))  # the lock is free


def test_a_slower_head_is_rejected_and_the_step_is_named(compared: Callable[..., Compared]) -> None:
    found = compared(noisy(seed=1), noisy(seed=2, slow_step=0.7)).run()
    assert found.verdict is Verdict.REJECT
    assert verdicts(found)["end-to-end"] is Verdict.REJECT
    (metric,) = [one for one in found.metrics if one.metric == "end-to-end"]
    assert metric.ratio is not None
    assert metric.ratio.low > 1.1
    assert found.steps[0].step == "load"
    assert found.steps[0].seconds == pytest.approx(0.7, abs=0.05)
    assert metric.where.startswith(("9", "100 % of it in step `load`"))
    assert metric.where.endswith("of it in step `load` (+0.7 s)")


def test_a_faster_head_passes(compared: Callable[..., Compared]) -> None:
    found = compared(noisy(seed=1), noisy(0.6, seed=2)).run()
    assert found.verdict is Verdict.PASS
    assert len(found.pairs) == 10


def test_a_change_at_the_limit_stays_undecided_after_forty_pairs(compared: Callable[..., Compared]) -> None:
    found = compared(noisy(noise=0.3, seed=1), noisy(1.05, noise=0.3, seed=2)).run()
    assert found.verdict is Verdict.INCONCLUSIVE
    assert len(found.pairs) == 40
    assert all(one.ratio is not None and one.pairs == 40 for one in found.metrics)


def test_the_order_within_pairs_is_drawn_and_can_be_repeated(compared: Callable[..., Compared]) -> None:
    first = [pair.first for pair in compared(noisy(noise=0.3), noisy(noise=0.3, seed=2), seed=5).run().pairs]
    again = [pair.first for pair in compared(noisy(noise=0.3), noisy(noise=0.3, seed=2), seed=5).run().pairs]
    other = compared(noisy(noise=0.3), noisy(noise=0.3, seed=2), seed=6)
    pairs = other.run().pairs
    assert first == again != [pair.first for pair in pairs]
    counted = [side for side, warm in zip(other.order, other.warm, strict=True) if not warm]
    assert counted[::2] == [pair.first for pair in pairs]
    assert 5 < first.count(Side.BASE) < len(first) - 5


def test_a_head_that_fails_is_rejected_for_its_errors_never_faster(compared: Callable[..., Compared]) -> None:
    found = compared(noisy(), lambda number: failed(message="no module named torch")).run()
    assert found.verdict is Verdict.REJECT
    (check,) = [one for one in found.checks if one.verdict is Verdict.REJECT]
    assert check.code == "error-rate"
    assert check.message == "3 of 3 runs of head failed: no module named torch"
    assert all(one.ratio is None for one in found.metrics)
    assert len(found.pairs) == 3


def test_a_base_that_fails_proves_nothing_about_head(compared: Callable[..., Compared]) -> None:
    for head in (noisy(), lambda number: failed()):
        found = compared(lambda number: failed(message="no such image"), head).run()
        assert found.verdict is Verdict.INCONCLUSIVE
        assert "3 of 3 runs of base failed: no such image" in found.checks[0].message


def test_a_run_that_fails_now_and_then_is_not_timed_and_within_the_limit(compared: Callable[..., Compared]) -> None:
    head = noisy(seed=2)
    found = compared(noisy(), lambda number: failed() if number == 4 else head(number)).run()
    assert found.verdict is Verdict.PASS
    assert len(found.pairs) >= 20, "one of ten is over the limit of 5 %: it has to go on until it is known"
    assert len(found.timed) == len(found.pairs) - 1
    assert "not timed: 1 pair with a run that failed" in found.notes


@pytest.mark.parametrize("away", ["submit", "read"])
def test_a_target_that_is_away_says_nothing_about_head(
    compared: Callable[..., Compared], monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    asked = compared(noisy(), noisy(seed=2), warmUp=0)
    target = asked.targets[Side.HEAD]
    answer = getattr(target, away)

    def broken(given: object) -> object:
        if len(target.started) >= 3:
            raise Broken("the API server answered 503")
        return answer(given)

    monkeypatch.setattr(target, away, broken)
    found = asked.run()
    assert found.verdict is Verdict.ERROR
    (check,) = [one for one in found.checks if one.code == "target"]
    assert check.verdict is Verdict.ERROR
    assert "the API server answered 503" in check.message
    assert found.checks[0].message.startswith("0 of ")
    assert found.timed == found.pairs
    kept = asked.session(Side.HEAD)
    assert kept is not None
    assert kept.counted[-1].outcome is RunOutcome.BROKEN


def test_a_run_that_its_target_calls_broken_says_nothing_about_head(compared: Callable[..., Compared]) -> None:
    full = failed(message="No space left on device").model_copy(update={"outcome": RunOutcome.BROKEN})
    found = compared(noisy(), lambda number: full).run()
    assert found.verdict is Verdict.ERROR
    (check,) = [one for one in found.checks if one.verdict is Verdict.ERROR]
    assert (check.code, check.message) == ("target", "No space left on device")


def test_the_deadline_ends_it_without_a_verdict(compared: Callable[..., Compared]) -> None:
    head = noisy(seed=2)
    asked = compared(noisy(), lambda number: head(number) if number < 4 else None, runTime=0.003)
    found = asked.run()
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "after 2 pairs" in found.checks[-1].message
    assert found.checks[0].verdict is Verdict.PASS, "a run that we ended has not failed"
    assert asked.targets[Side.HEAD].stopped == ["perf-x-head-4"]
    assert asked.targets[Side.HEAD].removed == ["perf-x-head"]


def test_ctrl_c_keeps_what_was_measured_and_cleans_up(compared: Callable[..., Compared]) -> None:
    head = noisy(seed=2)

    def interrupted(number: int) -> RunSample | None:
        if number == 13:
            raise KeyboardInterrupt
        return head(number)

    asked = compared(noisy(noise=0.3), interrupted)
    found = asked.run()
    assert found.verdict is Verdict.INCONCLUSIVE
    assert len(found.pairs) == 11
    assert [one.code for one in found.checks if one.verdict is Verdict.INCONCLUSIVE][-1] == "interrupted"
    assert asked.targets[Side.BASE].removed == ["perf-x-base"]
    kept = asked.session(Side.BASE)
    assert kept is not None
    assert len(kept.counted) in (11, 12)


def without_cpu(make: Make, learning: Callable[[], FakeTarget], missing: Callable[[int], bool]) -> Make:
    """Runs of which some tell no CPU time, by a target that learns this only when it reads them."""

    def made(number: int) -> RunSample | None:
        found = make(number)
        if found is None or not missing(number):
            return found
        learning().unmeasured = {"cpu": "pods lived too short"}
        return found.model_copy(
            update={"metrics": {name: value for name, value in found.metrics.items() if name != "cpu"}}
        )

    return made


def test_only_what_is_measured_is_judged_and_what_is_not_is_named(compared: Callable[..., Compared]) -> None:
    head = without_cpu(noisy(seed=2), lambda: FakeTarget(noisy()), lambda number: True)
    asked = compared(noisy(seed=1), head, limits={"memory": 0.2, "end-to-end": 0.5})
    for target in asked.targets.values():
        target.unmeasured = {"cpu": "no metrics server", "memory": "no metrics server"}
    found = asked.run()
    assert verdicts(found) == {"end-to-end": Verdict.PASS, "memory": Verdict.INCONCLUSIVE}
    assert {one.metric: one.limit for one in found.metrics} == {"end-to-end": 1.5, "memory": 1.2}
    assert "cpu is not judged: no metrics server" in found.notes
    (memory,) = [one for one in found.checks if one.code == "memory"]
    assert memory.message == "memory: no ratio: no metrics server"
    assert found.verdict is Verdict.INCONCLUSIVE


def test_what_a_target_learns_not_to_measure_is_no_longer_judged(compared: Callable[..., Compared]) -> None:
    asked: Compared
    head = without_cpu(noisy(seed=2), lambda: asked.targets[Side.HEAD], lambda number: True)
    asked = compared(noisy(seed=1), head)
    found = asked.run()
    assert verdicts(found) == {"end-to-end": Verdict.PASS}
    assert (found.verdict, "cpu is not judged: pods lived too short" in found.notes) == (Verdict.PASS, True)
    kept = asked.session(Side.HEAD)
    assert kept is not None
    assert kept.unmeasured == {"cpu": "pods lived too short"}


def test_one_run_without_a_metric_hides_no_regression_of_it(compared: Callable[..., Compared]) -> None:
    asked: Compared
    slow = noisy(1.3, seed=2)
    head = without_cpu(slow, lambda: asked.targets[Side.HEAD], lambda number: number == 3)
    asked = compared(noisy(seed=1), head, limits={"end-to-end": 9})
    found = asked.run()
    assert (found.verdict, verdicts(found)["cpu"]) == (Verdict.REJECT, Verdict.REJECT)
    kept = asked.session(Side.HEAD)
    assert kept is not None
    assert kept.unmeasured == {}


def with_queue(make: Make, *queues: float) -> Make:
    """Runs that wait so many seconds in the queue, again and again in that order."""

    def made(number: int) -> RunSample | None:
        found = make(number)
        more = {"queue": queues[number % len(queues)]}
        return found and found.model_copy(update={"metrics": {**found.metrics, **more}})

    return made


@pytest.mark.parametrize(
    ("base", "head", "thresholds", "verdict", "said"),
    [
        # nothing is a share of 0; the few pairs that have a ratio are no choice at random
        ((0, 0, 1), (0, 0, 9), {}, Verdict.INCONCLUSIVE, "its median is 0 on base and 0 on head; name its largest"),
        ((0,), (3,), {}, Verdict.INCONCLUSIVE, "its median is 0 on base and 3 on head; name its largest median in"),
        ((0,), (3,), {"queue": 2}, Verdict.REJECT, "its median is 0 on base and 3 on head; the threshold is 2"),
        ((0,), (3,), {"queue": 4}, Verdict.PASS, "its median is 0 on base and 3 on head; the threshold is 4"),
        ((0, 2), (0,), {}, Verdict.PASS, "it is 0 in all runs of head"),
    ],
)
def test_a_metric_whose_median_is_zero_has_no_ratio(
    compared: Callable[..., Compared],
    base: tuple[float, ...],
    head: tuple[float, ...],
    thresholds: dict[str, float],
    verdict: Verdict,
    said: str,
) -> None:
    asked = compared(
        with_queue(noisy(seed=1), *base),
        with_queue(noisy(seed=2), *head),
        limits={"queue": 0.2, "end-to-end": 0.5, "cpu": 0.5},
        thresholds=thresholds,
    )
    found = asked.run()
    assert (found.verdict, verdicts(found)["queue"]) == (verdict, verdict)
    (check,) = [one for one in found.checks if one.code == "queue"]
    assert check.message.startswith(f"queue: no ratio: {said}")
    assert len(found.pairs) in (10, 20), "more pairs would tell nothing about it"


def test_a_mode_without_runs_cannot_be_compared(compared: Callable[..., Compared]) -> None:
    asked = compared(noisy(), noisy())
    asked.scenario = PerfScenario.model_validate({"mode": "RANDOM_GETS"})
    with pytest.raises(BadInput, match="RANDOM_GETS cannot be compared"):
        asked.run()
    assert not asked.order
    assert [path.name for path in asked.directory.iterdir()] == ["p.yaml"], "what started nothing leaves nothing"


def test_a_slow_machine_is_told_from_a_slow_pipeline(compared: Callable[..., Compared]) -> None:
    """The order depends on the seed alone, so that the yardstick can be slow before each run of head."""
    first = compared(noisy(seed=1), noisy(seed=2)).run()
    assert not any("machine" in note for note in first.notes)
    before = [0.02, 0.02]  # the warm-up runs
    for pair in first.pairs:
        before += [0.02, 0.04] if pair.first is Side.BASE else [0.04, 0.02]
    found = compared(noisy(seed=1), noisy(seed=2), marks=before).run()
    assert [pair.head.yardstick for pair in found.pairs] == [0.04] * len(first.pairs)
    assert found.notes == ["the machine itself was slower before the runs of head: yardstick ×2.00 [2.00, 2.00]"]


def test_a_comparison_can_be_stored_and_read(compared: Callable[..., Compared]) -> None:
    found = compared(noisy(), noisy(seed=2)).run()
    assert PerfComparison.model_validate_json(found.model_dump_json()) == found
