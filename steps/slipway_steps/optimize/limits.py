"""The resources of the served app, from what the resource gate measured in past releases, as a values file."""

import math
from collections.abc import Sequence

from slipway_steps.domain.errors import Refused
from slipway_steps.domain.performance import MIB, mebibytes, proposed_memory
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Gate, GateReport, Verdict

PERCENT = 99.0
STEP = 10
"""Millicores and MiB to which requests are rounded up."""


def values_file(reports: Sequence[GateReport]) -> str:
    """A values file of charts/model-app. `reports`: of all gates of the releases; those of the resource gate count that
    passed, as another version is not what will be served.

    The memory request is the p99 of the releases' peaks, the limit leaves room above it; the CPU request is the p99 of
    their means. The limit of CPU is not touched. Raises Refused where no release was measured.
    """
    measured = [one for one in reports if says_usage(one)]
    peaks = [peak for one in measured if (peak := _largest(one, "memory_mib")) is not None]
    means = [mean for one in measured for mean in _cpu(one)]
    if not peaks or not means:
        raise Refused("no release has passed the resource gate, which measures the app", "release first: make run")
    peak, mean = percentile(peaks, PERCENT), percentile(means, PERCENT)
    releases = ", ".join(one.release for one in measured)
    return (
        f"# p99 of {len(peaks)} releases: peak {mebibytes(peak * MIB)}, {mean:.0f} millicores under light work\n"
        f"# ({releases})\n"
        "resources:\n"
        f"  requests: {{cpu: {_up(mean)}m, memory: {_up(peak)}Mi}}\n"
        f"  limits: {{memory: {proposed_memory(round(peak * MIB)) // MIB}Mi}}\n"
    )


def says_usage(report: GateReport) -> bool:
    """Whether a report says what the app uses: that of a resource gate that passed."""
    return report.gate is Gate.RESOURCES and report.verdict is Verdict.PASS


def _largest(report: GateReport, name: str) -> float | None:
    pairs = report.series.get(name) or []
    return max((float(value) for _, value in pairs), default=None)


def _cpu(report: GateReport) -> list[float]:
    return [
        float(check.measured)
        for check in report.checks
        if check.code == "cpu" and isinstance(check.measured, float | int)
    ]


def _up(number: float) -> int:
    return max(STEP, math.ceil(number / STEP) * STEP)
