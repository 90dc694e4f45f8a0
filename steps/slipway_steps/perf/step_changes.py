"""Finds the step that a change of a pipeline's time is in, from the differences within pairs of runs."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

from slipway_steps.domain.perf_comparison import Pair, StepChange
from slipway_steps.domain.perf_metrics import CPU, END_TO_END
from slipway_steps.domain.perf_session import RunSample
from slipway_steps.perf.statistics import median

BESIDE_STEPS = {"between-steps": "the time between steps", "queue": "waiting"}
"""Metrics that are part of the time from end to end, and of no step."""
LEAST_SHARE = 0.2
"""A step with less than this share of the change explains nothing."""


def step_changes(pairs: Sequence[Pair]) -> list[StepChange]:
    """By how much each step, and the time between steps, changed; the largest growth first. Empty without pairs.

    A step that one side does not have took 0 seconds there.
    """
    total = _difference(pairs, lambda run: run.metrics.get(END_TO_END, 0.0))
    parts: dict[str, Callable[[RunSample], float]] = {}
    for pair in pairs:
        for name in {**pair.base.components, **pair.head.components}:
            parts[name] = lambda run, name=name: run.components.get(name, 0.0)  # type: ignore[misc]  # a default of a lambda
        for name, title in BESIDE_STEPS.items():
            if name in pair.base.metrics and name in pair.head.metrics:
                parts[title] = lambda run, name=name: run.metrics.get(name, 0.0)  # type: ignore[misc]  # a default of a lambda
    changes = {name: _difference(pairs, seconds) for name, seconds in parts.items()}
    ordered = sorted(changes.items(), key=lambda item: -item[1])
    return [StepChange(step=name, seconds=one, share=one / total if total > 0 else 0.0) for name, one in ordered]


def where(changes: Sequence[StepChange], metric: str) -> str:
    """Which step most of a regression is in, as a sentence; "" where no step explains it, or the metric is no time of
    runs.
    """
    if metric not in (END_TO_END, CPU) or not changes or changes[0].share < LEAST_SHARE:
        return ""
    most = changes[0]
    place = most.step if most.step in BESIDE_STEPS.values() else f"step `{most.step}`"
    if metric == CPU:
        return f"{place} takes longer ({_seconds(most.seconds)})"
    return f"{100 * min(most.share, 1):.0f} % of it in {place} ({_seconds(most.seconds)})"


def _seconds(seconds: float) -> str:
    return f"{seconds:+.1f} s" if abs(seconds) >= 0.1 else f"{seconds * 1000:+.0f} ms"


def _difference(pairs: Sequence[Pair], seconds: Callable[[RunSample], float]) -> float:
    """The Hodges-Lehmann estimate of head - base; 0 without pairs."""
    differences = [seconds(pair.head) - seconds(pair.base) for pair in pairs]
    return median([(one + other) / 2 for one, other in combinations_with_replacement(differences, 2)] or [0.0])
