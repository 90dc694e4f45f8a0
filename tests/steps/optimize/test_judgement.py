"""When a change of a knob is recommended."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perf.equal_sides import recommended, recorded

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.knob import Knob
from slipway_steps.domain.performance import MIB, Category
from slipway_steps.optimize.judgement import judge
from slipway_steps.optimize.trials import Trial

BATCH = Knob("batch", Category.MEMORY, "BATCH", "128", ("16",))
THREADS = Knob("threads", Category.CPU, "THREADS", "", ("1",))
AT_A_TIME = Knob("parallelism", Category.CONCURRENCY, "PARALLELISM", "", ("1",))
LIMIT = Knob("memory-limit", Category.MEMORY, "LIMIT", "2Gi", ("512Mi",), reserves=True)
NOISE = (0.99, 1.0, 1.01, 0.995, 1.005, 1.002)


def trials(peak: float, seconds: float, noise: Sequence[float] = NOISE, results: Any = None) -> list[Trial]:
    return [Trial(round(peak * MIB * one), seconds * one, results) for one in noise]


def test_less_memory_is_recommended_with_its_interval() -> None:
    found, line = judge("evaluate", BATCH, "128", "16", trials(243, 3), trials(126, 2, NOISE[::-1]))
    assert found is not None
    assert line.startswith(
        "memory  high    batch 128 -> 16: peak 243 -> 126 MiB (-48 %, 95 % CI -49..-47, 6 runs each)"
    )
    assert line.endswith(", 33 % faster")
    assert found.estimated_improvement is not None
    assert found.estimated_improvement.high < 0.54


def test_a_knob_of_the_processor_is_judged_by_time() -> None:
    found, line = judge("evaluate", THREADS, "", "1", trials(100, 3), trials(150, 2))
    assert found is not None
    assert line.startswith("cpu     medium  threads default -> 1: 3.00 -> 2.00 s (-33 %")
    assert line.endswith(", 50 % more memory")


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (trials(260, 1), "not measurably better"),
        (trials(243, 1, NOISE[::-1]), "not measurably better"),
        (trials(241, 1, NOISE), "not measurably better"),  # less for sure, but by too little
        (trials(100, 1, results=[2]), "the results differ"),
    ],
)
def test_what_is_not_recommended_says_why(after: list[Trial], why: str) -> None:
    found, line = judge("evaluate", BATCH, "128", "16", trials(243, 3), after)
    assert found is None
    assert line.endswith(f" not recommended: {why}")


@pytest.mark.parametrize(
    ("peak", "seconds", "line"),
    [
        (100, 3, "memory  high    parallelism 4 -> 2: peak 200 -> 100 MiB (-50 %"),
        (100, 3.2, "parallelism 4 -> 2: 3.00 -> 3.20 s (+7 %"),  # memory is gained, and time lost
        (300, 2, "memory  medium  parallelism"),
        (200, 3, "parallelism 4 -> 2: 3.00 -> 3.00 s (+0 %"),
    ],
)
def test_fewer_at_a_time_are_recommended_for_memory_where_they_cost_no_time(
    peak: float, seconds: float, line: str
) -> None:
    _, told = judge("wf", AT_A_TIME, "4", "2", trials(200, 3), trials(peak, seconds))
    assert told.replace("concurrency", "memory").startswith(line)


@pytest.mark.parametrize(
    ("peak", "seconds", "end"),
    [
        (200, 3, "6 runs each)"),
        (400, 3, "not recommended: too tight for a peak of 404 MiB"),
        (200, 3.3, "not recommended: it may be slower"),
    ],
)
def test_a_smaller_limit_is_recommended_where_it_leaves_room_and_costs_no_time(
    peak: float, seconds: float, end: str
) -> None:
    found, told = judge("evaluate", LIMIT, "2Gi", "512Mi", trials(200, 3), trials(peak, seconds))
    assert end in told
    assert (found is None) == end.startswith("not")
    if found is not None and found.estimated_improvement is not None:
        assert found.estimated_improvement.estimate == 0.25


def test_a_larger_limit_is_no_gain() -> None:
    found, told = judge("evaluate", LIMIT, "512Mi", "1Gi", trials(200, 3), trials(200, 3))
    assert found is None
    assert told.endswith("not recommended: it takes more")


def test_results_that_differ_between_runs_of_one_side_are_no_proof() -> None:
    before = [*trials(243, 3)[:5], Trial(243 * MIB, 3, [1])]
    assert judge("evaluate", BATCH, "128", "16", before, trials(100, 1))[0] is None


def test_five_runs_have_no_interval_of_95_percent() -> None:
    with pytest.raises(BadInput, match="at least 6"):
        judge("evaluate", BATCH, "128", "16", trials(243, 3)[:5], trials(126, 2)[:5])


@given(peaks=st.lists(st.tuples(st.floats(1, 1e4), st.floats(1, 1e4)), min_size=6, max_size=12))
def test_never_both_a_change_and_its_reverse(peaks: list[tuple[float, float]]) -> None:
    one, other = ([Trial(round(peak * MIB), 1.0, None) for peak in side] for side in zip(*peaks, strict=True))
    both = judge("s", BATCH, "128", "16", one, other)[0], judge("s", BATCH, "16", "128", other, one)[0]
    assert None in both


@pytest.mark.parametrize("knob", [BATCH, THREADS, AT_A_TIME])
def test_equal_sides_are_hardly_ever_recommended(knob: Knob) -> None:
    pairs = recorded()
    assert len(pairs) >= 20
    assert all(one != other for one, other in pairs)
    assert recommended(knob, tries=200) <= 10
