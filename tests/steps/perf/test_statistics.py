"""Intervals of ratios, held against their laws and against a count of every pattern of signs."""

import math
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.comparison import Interval
from slipway_steps.perf.statistics import median, ratio_interval, share_interval, spread

LOGS = st.lists(st.floats(-1, 1).map(lambda value: round(value, 6)), min_size=8, max_size=25)
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's pairs of maize plants (differences of heights in eighths of an inch), the classic example of paired data."""


def interval(logs: list[float], alpha: float = 0.05) -> Interval:
    found = ratio_interval(logs, alpha)
    assert found is not None
    return found


def close(one: Interval, other: Interval) -> bool:
    both = zip((one.estimate, one.low, one.high), (other.estimate, other.low, other.high), strict=True)
    return all(math.isclose(first, second, rel_tol=1e-9) for first, second in both)


@given(LOGS, st.floats(-0.5, 0.5))
def test_a_ratio_of_all_pairs_is_a_ratio_of_the_interval(logs: list[float], shift: float) -> None:
    before, factor = interval(logs), math.exp(shift)
    moved = Interval(estimate=before.estimate * factor, low=before.low * factor, high=before.high * factor)
    assert close(interval([one + shift for one in logs]), moved)


@given(LOGS)
def test_sides_that_change_places_give_the_inverse(logs: list[float]) -> None:
    before = interval(logs)
    turned = Interval(estimate=1 / before.estimate, low=1 / before.high, high=1 / before.low)
    assert close(interval([-one for one in logs]), turned)


@given(LOGS, st.randoms())
def test_the_order_of_pairs_does_not_matter(logs: list[float], random: object) -> None:
    shuffled = [*logs]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert close(interval(shuffled), interval(logs))


@given(LOGS)
def test_more_confidence_is_a_wider_interval_around_the_same_estimate(logs: list[float]) -> None:
    narrow, wide = interval(logs, 0.2), interval(logs, 0.02)
    assert wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high
    assert wide.estimate == narrow.estimate
    assert math.exp(min(logs)) <= wide.low
    assert wide.high <= math.exp(max(logs)) * (1 + 1e-12)


def by_counting(logs: list[float], alpha: float) -> tuple[float, float] | None:
    """The shifts that the test of signed ranks does not refuse, found by trying every pattern of signs."""
    number = len(logs)
    sums = [sum(rank for rank in range(1, number + 1) if signs[rank - 1]) for signs in product((0, 1), repeat=number)]

    def accepted(shift: float) -> bool:
        moved = sorted((abs(one - shift), one > shift) for one in logs)
        positive = sum(rank for rank, (_, sign) in enumerate(moved, 1) if sign)
        tail = min(sum(one <= positive for one in sums), sum(one >= positive for one in sums))
        return tail / len(sums) > alpha / 2

    walsh = sorted({(one + other) / 2 for one in logs for other in logs})
    between = [(one + other) / 2 for one, other in pairwise(walsh)]
    inside = [place for place in between if accepted(place)]
    if accepted(walsh[0] - 1):
        return None
    return max(one for one in walsh if one < inside[0]), min(one for one in walsh if one > inside[-1])


@given(
    st.lists(st.integers(-10_000, 10_000), min_size=4, max_size=9, unique=True),
    st.sampled_from([0.3, 0.1, 0.05, 0.0125]),
)
def test_it_holds_what_the_test_of_signed_ranks_does_not_refuse(numbers: list[int], alpha: float) -> None:
    # unequal powers of a prime keep two averages from being equal
    logs = [number / 10_000 + 3**place * 1e-7 for place, number in enumerate(numbers)]
    expected, found = by_counting(logs, alpha), ratio_interval(logs, alpha)
    if expected is None or found is None:
        assert expected is None and found is None
    else:
        assert (math.log(found.low), math.log(found.high)) == pytest.approx(expected, abs=1e-12)


def test_darwins_maize() -> None:
    """The values that wilcox.test(conf.int = TRUE, exact) of R prints for the same data, in eighths of an inch: the
    critical sum of 15 pairs at 5 % is 25, as in every table, so that the 26th average from each end is the bound.
    """
    found = interval([one / 100 for one in DARWIN])
    averages = sorted((a + b) / 2 for place, a in enumerate(DARWIN) for b in DARWIN[place:])
    assert len(averages) == 120
    seen = [math.log(value) * 100 for value in (found.low, found.estimate, found.high)]
    assert seen == pytest.approx([averages[25], (averages[59] + averages[60]) / 2, averages[94]])


@pytest.mark.parametrize(("pairs", "critical"), [(6, 0), (8, 3), (10, 8), (15, 25), (20, 52), (25, 89), (30, 137)])
def test_the_critical_sums_are_those_of_the_tables(pairs: int, critical: int) -> None:
    """Two-sided 5 %: the table of Wilcoxon's signed ranks in any textbook."""
    logs = [2.0**place / 2**40 for place in range(pairs)]
    averages = sorted((a + b) / 2 for place, a in enumerate(logs) for b in logs[place:])
    assert math.log(interval(logs).low) == pytest.approx(averages[critical], abs=1e-15)


def test_too_few_pairs_have_no_interval() -> None:
    assert ratio_interval([0.1] * 5, 0.05) is None
    assert ratio_interval([0.1] * 6, 0.05) is not None
    for logs, alpha in (([], 0.05), ([math.nan] * 10, 0.05), ([0.1], 0.0), ([0.1], 1.0)):
        with pytest.raises(ValueError, match="interval needs"):
            ratio_interval(logs, alpha)


def test_shares_and_spread() -> None:
    low, high = share_interval(0, 60)
    assert low == 0
    assert high == pytest.approx(0.0596, abs=1e-4)  # 1 - (0.05 / 2) ** (1 / 60)
    assert spread([-0.06, 0.06]) == pytest.approx(0.0849, abs=1e-4)
    assert spread([0.1]) == 0
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
    with pytest.raises(ValueError, match="values"):
        median([])
