"""The sequential rule of comparisons, on intervals that are told to it."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.comparison import ALPHA, LOOKS, Interval, SequentialTest
from slipway_steps.domain.verdict import Verdict

LOOK = ALPHA / len(LOOKS)


def told(values: Sequence[float], alpha: float) -> Interval | None:
    """An interval whose half width grows where alpha gets smaller: values are (middle, half width at LOOK)."""
    middle, half = values
    width = half * (1 + (LOOK / alpha - 1) / 2)
    return Interval(estimate=middle, low=middle - width, high=middle + width) if half >= 0 else None


def test_reject_above_the_limit_pass_below_it_else_more_pairs() -> None:
    for middle, verdict, ended in (
        (1.3, Verdict.REJECT, True),
        (1.0, Verdict.PASS, True),
        (1.1, Verdict.INCONCLUSIVE, False),
    ):
        test = SequentialTest({"cpu": 1.1}, told)
        test.look({"cpu": (middle, 0.05)})
        assert test.metrics["cpu"].verdict is verdict
        assert test.ended is ended
        assert test.metrics["cpu"].ratio == Interval(estimate=middle, low=middle - 0.05, high=middle + 0.05)


def test_a_metric_that_passed_keeps_its_verdict_while_another_needs_more_pairs() -> None:
    test = SequentialTest({"cpu": 1.05, "end-to-end": 1.1}, told)
    test.look({"cpu": (1.0, 0.04), "end-to-end": (1.1, 0.2)})
    assert test.metrics["cpu"].verdict is Verdict.PASS
    assert not test.ended
    test.look({"cpu": (1.5, 0.01), "end-to-end": (1.0, 0.05)})
    assert {one.verdict for one in test.metrics.values()} == {Verdict.PASS}
    assert test.metrics["cpu"].ratio == Interval(estimate=1.0, low=0.96, high=1.04)
    assert test.ended


def test_one_rejection_ends_the_comparison() -> None:
    test = SequentialTest({"cpu": 1.05, "end-to-end": 1.1}, told)
    test.look({"cpu": (1.05, 0.2), "end-to-end": (1.5, 0.05)})
    assert test.ended
    assert test.metrics["end-to-end"].verdict is Verdict.REJECT
    assert test.metrics["cpu"].verdict is Verdict.INCONCLUSIVE


def test_several_metrics_need_more_proof_each_and_less_once_one_is_rejected() -> None:
    near = (1.2, 0.09)  # above 1.1 at the alpha of the look, not at half of it
    alone = SequentialTest({"cpu": 1.1}, told)
    alone.look({"cpu": near})
    assert alone.metrics["cpu"].verdict is Verdict.REJECT
    both = SequentialTest({"cpu": 1.1, "end-to-end": 1.1}, told)
    both.look({"cpu": near, "end-to-end": near})
    assert {one.verdict for one in both.metrics.values()} == {Verdict.INCONCLUSIVE}
    one_sure = SequentialTest({"cpu": 1.1, "end-to-end": 1.1}, told)
    one_sure.look({"cpu": near, "end-to-end": (1.5, 0.05)})
    assert {one.verdict for one in one_sure.metrics.values()} == {Verdict.REJECT}


def test_a_metric_without_values_or_interval_stays_open() -> None:
    test = SequentialTest({"cpu": 1.05, "end-to-end": 1.1}, told)
    test.look({"end-to-end": (1.0, -1)})
    assert not test.ended
    assert {one.verdict for one in test.metrics.values()} == {Verdict.INCONCLUSIVE}


@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.floats(0.8, 1.6), st.floats(0.01, 0.4)), min_size=1),
)
def test_the_names_of_metrics_play_no_part(values: dict[str, tuple[float, float]]) -> None:
    renamed = {chr(ord("z") - ord(name) + ord("a")): value for name, value in values.items()}
    tests = [SequentialTest(dict.fromkeys(one, 1.1), told) for one in (values, renamed)]
    for test, one in zip(tests, (values, renamed), strict=True):
        test.look(one)
    first, second = tests
    for name, one in first.metrics.items():
        assert one.verdict is second.metrics[chr(ord("z") - ord(name) + ord("a"))].verdict
