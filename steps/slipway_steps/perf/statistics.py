"""Intervals of ratios and shares. Python alone, so that a program that only compares starts without numpy."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import combinations_with_replacement

from slipway_steps.domain.comparison import Interval


def ratio_interval(log_ratios: Sequence[float], alpha: float) -> Interval | None:
    """The Hodges-Lehmann estimate of a ratio, with its exact interval of confidence 1 - `alpha`; None where there are
    too few pairs for that confidence (4 pairs give 0.875 at most).

    log_ratios: log(head / base) of each pair. The estimate is the median of the Walsh averages, the means of any two
    of them and of each with itself; the interval ends at averages whose ranks follow from the distribution of
    Wilcoxon's signed rank (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd edition, section 3.2 and
    3.3; wilcox.test of R gives the same). It assumes that pairs are independent and their differences symmetric, which
    the random order within pairs brings about, and not that they are normal. Raises ValueError without pairs, for an
    `alpha` that is not between 0 and 1, and for values that are not finite.
    """
    if not log_ratios or not 0 < alpha < 1 or not all(map(math.isfinite, log_ratios)):
        raise ValueError("an interval needs finite log ratios, and an alpha between 0 and 1")
    rank = _rank(len(log_ratios), alpha)
    if rank == 0:
        return None
    averages = sorted((one + other) / 2 for one, other in combinations_with_replacement(log_ratios, 2))
    estimate, low, high = median(averages), averages[rank - 1], averages[-rank]
    return Interval(estimate=math.exp(estimate), low=math.exp(low), high=math.exp(high))


def median(values: Sequence[float]) -> float:
    """The median; of an even number, the mean of the two in the middle. Raises ValueError without values."""
    if not values:
        raise ValueError("a median needs values")
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


@cache
def _rank(number: int, alpha: float) -> int:
    """The rank, from 1 on, of the Walsh average at which the interval begins; 0: no average does."""
    ways = [1]  # ways[s]: in how many of the 2^number patterns of signs the positive ranks have the sum s
    for rank in range(1, number + 1):
        longer = ways + [0] * rank
        for total, count in enumerate(ways):
            longer[total + rank] += count
        ways = longer
    below = 0
    for total, count in enumerate(ways):
        below += count
        if below > alpha / 2 * 2**number:
            return total
    raise AssertionError("all patterns together are more than half of them")


def share_interval(found: int, number: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of Clopper and Pearson for a share, of which `found` of `number` were seen."""
    from scipy.stats import binomtest

    interval = binomtest(found, number).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def spread(log_ratios: Sequence[float]) -> float:
    """The noise of pairs as a share: the standard deviation of their log ratios. 0.06: a pair is off by 6 %."""
    mean = sum(log_ratios) / len(log_ratios)
    return math.sqrt(sum((one - mean) ** 2 for one in log_ratios) / max(len(log_ratios) - 1, 1))
