"""Whether a change of a knob is recommended: where it was measured to be better, and the results stayed equal."""

import math
from collections.abc import Sequence

from slipway_steps.domain.comparison import Interval
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.knob import Knob
from slipway_steps.domain.performance import (
    MIB,
    Category,
    OptimizationRecommendation,
    Severity,
    mebibytes,
    proposed_memory,
)
from slipway_steps.domain.quantity import parse_quantity
from slipway_steps.optimize.trials import Trial, is_other
from slipway_steps.perf.statistics import median, ratio_interval

ALPHA = 0.05
LEAST_ROUNDS = 6
"""Fewer pairs have no exact interval of 95 %: of five, the widest has 93.75 %."""
WORTH = 0.02
"""Share that a change has to gain; less is not worth one."""
NO_LOSS = 0.05
"""Share by which the whole interval has to stay below a loss: what gains memory must not take more time."""
SEVERITIES = ((0.40, Severity.HIGH), (0.20, Severity.MEDIUM), (0.0, Severity.LOW))
"""The gain from which on a recommendation has that severity."""


def interval(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The ratio after / before of pairs, with its interval of 95 %. Raises BadInput for too few pairs."""
    found = ratio_interval([math.log(b / a) for a, b in zip(before, after, strict=True)], ALPHA)
    if found is None:
        raise BadInput(f"{len(before)} runs of each side have no interval of 95 %", f"at least {LEAST_ROUNDS} have one")
    return found


def is_better(ratio: Interval) -> bool:
    """Whether the whole interval says that less is used, and it is worth a change."""
    return ratio.high < 1 and ratio.estimate <= 1 - WORTH


def judge(
    step: str, knob: Knob, now: str, value: str, before: Sequence[Trial], after: Sequence[Trial]
) -> tuple[OptimizationRecommendation | None, str]:
    """The recommendation, None where there is none, and one line on what was measured.

    `now`, `value`: of the knob, before and after; the trials of both are pairs in the same order, as long as
    the results are equal.
    """
    name = f"{knob.name} {now or 'default'} -> {value}"
    if killed := next((one for one in after if one.killed), None):
        return None, f"{name}: not recommended: it is killed at this limit, after a peak of {mebibytes(killed.peak)}"
    if any(is_other(one, before[0]) for one in (*before, *after)):
        return None, f"{name}: not recommended: the results differ"
    peak = interval([one.peak for one in before], [one.peak for one in after])
    seconds = interval([one.seconds for one in before], [one.seconds for one in after])
    category, ratio = _judged_by(knob, now, value, peak, seconds)
    line = f"{name}: {_measured(category, before, after, peak, seconds)}"
    if knob.reserves:
        line = f"{name}: peak {mebibytes(max(one.peak for one in after))}, {_time(before, after, seconds)}"
    if knob.reserves and (why := _too_tight(value, after, seconds)):
        return None, f"{line}; not recommended: {why}"
    if not is_better(ratio):
        return None, f"{line}; not recommended: {'it takes more' if knob.reserves else 'not measurably better'}"
    gain = 1 - ratio.estimate
    severity = next(severity for least, severity in SEVERITIES if gain >= least)
    found = OptimizationRecommendation(
        category=knob.category, severity=severity, subject=step, message=line, estimated_improvement=ratio
    )
    return found, f"{knob.category:<6}  {severity:<6}  {line}"


def _judged_by(knob: Knob, now: str, value: str, peak: Interval, seconds: Interval) -> tuple[Category, Interval]:
    """What a change is judged by: memory or time, and the ratio of it."""
    if knob.reserves:
        ratio = float(parse_quantity(value) / parse_quantity(now))
        return Category.MEMORY, Interval(estimate=ratio, low=ratio, high=ratio)
    if knob.category is Category.CONCURRENCY:
        # fewer at a time take less memory, more at a time less time: what is gained counts where nothing is lost
        less = is_better(peak) and seconds.high <= 1 + NO_LOSS
        return (Category.MEMORY, peak) if less else (Category.CPU, seconds)
    return (Category.MEMORY, peak) if knob.category is Category.MEMORY else (Category.CPU, seconds)


def _too_tight(value: str, after: Sequence[Trial], seconds: Interval) -> str:
    """Why a step should not get so little memory; "" where it is enough."""
    peak = max(one.peak for one in after)
    if proposed_memory(peak) > parse_quantity(value):
        return f"too tight for a peak of {mebibytes(peak)}"
    return "it may be slower" if seconds.high > 1 + NO_LOSS else ""


def _measured(
    category: Category, before: Sequence[Trial], after: Sequence[Trial], peak: Interval, seconds: Interval
) -> str:
    if category is Category.MEMORY:
        old, new = (median([one.peak / MIB for one in side]) for side in (before, after))
        told = f"peak {old:.0f} -> {new:.0f} MiB ({_change(peak)}, {len(before)} runs each)"
        return told + _other(seconds, "faster", "slower")
    return f"{_time(before, after, seconds)}{_other(peak, 'less memory', 'more memory')}"


def _time(before: Sequence[Trial], after: Sequence[Trial], seconds: Interval) -> str:
    old, new = (median([one.seconds for one in side]) for side in (before, after))
    return f"{old:.2f} -> {new:.2f} s ({_change(seconds)}, {len(before)} runs each)"


def _change(ratio: Interval) -> str:
    estimate, low, high = (100 * (one - 1) for one in (ratio.estimate, ratio.low, ratio.high))
    return f"{estimate:+.0f} %, 95 % CI {low:+.0f}..{high:+.0f}"


def _other(ratio: Interval, less: str, more: str) -> str:
    """What a change does to what it is not judged by; "" where that was not measured to change."""
    if ratio.low <= 1 <= ratio.high:
        return ""
    return f", {100 * abs(1 - ratio.estimate):.0f} % {less if ratio.estimate < 1 else more}"
