"""The numbers of a performance test as people read them: metrics, steps, the waterfall of one run."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipway_steps.domain.perf_blanks import BLANKS, LEAST_BLANK, ON_ARGO, blanks_of
from slipway_steps.domain.perf_metrics import END_TO_END, METRICS
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.domain.statistics import percentile


@dataclass(frozen=True)
class MetricRow:
    """One metric over all timed runs. Values are texts with their unit; `why` tells why it was not measured."""

    name: str
    title: str
    runs: int = 0
    median: str = ""
    p95: str = ""
    largest: str = ""
    why: str = ""


@dataclass(frozen=True)
class Bar:
    """One phase of the waterfall, in per cent of the run's time."""

    name: str
    component: str
    left: float
    width: float
    seconds: float


def amount(value: float, unit: str) -> str:
    """A number with its unit: 412 ms, 6.2 s, 96 MiB."""
    if unit == "s":
        return f"{value * 1000:.0f} ms" if abs(value) < 0.9995 else f"{value:.1f} s"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB" if value >= 2**20 else f"{value / 2**10:.0f} KiB"
    return f"{value:.3g} {unit}".strip()


def metric_rows(session: PerfSession) -> list[MetricRow]:
    """A row for each metric; one that was not measured says why."""
    rows = []
    for name, metric in METRICS.items():
        if values := session.values(name):
            told = [
                amount(value, metric.unit) for value in (percentile(values, 50), percentile(values, 95), max(values))
            ]
            rows.append(MetricRow(name, metric.title, len(values), *told))
        elif session.timed:
            rows.append(MetricRow(name, metric.title, why=session.unmeasured.get(name, "no run told it")))
    return rows


def median_run(session: PerfSession) -> RunSample | None:
    """The timed run with phases whose end to end time is the median (nearest rank) of those runs."""
    runs = sorted(
        (run for run in session.timed if run.phases and END_TO_END in run.metrics),
        key=lambda run: run.metrics[END_TO_END],
    )
    return runs[(len(runs) - 1) // 2] if runs else None


def waterfall(run: RunSample) -> list[Bar]:
    """The phases of a run in the order of time."""
    whole = max(*(phase.end for phase in run.phases), 1e-9)
    ordered = sorted(run.phases, key=lambda phase: (phase.start, phase.end))
    return [
        Bar(
            phase.name,
            phase.component,
            100 * max(phase.start, 0) / whole,
            100 * max(phase.end - phase.start, 0) / whole,
            phase.end - phase.start,
        )
        for phase in ordered
    ]


def blanks(session: PerfSession, run: RunSample) -> list[tuple[str, float, str]]:
    """The blanks of a run on Argo, the longest first: name, seconds, and the setting that removes it. Elsewhere there
    are no such settings.
    """
    if session.fingerprint.target not in ON_ARGO:
        return []
    found = sorted(blanks_of(run.phases).items(), key=lambda item: -item[1])
    return [(name, seconds, BLANKS[name]) for name, seconds in found if seconds >= LEAST_BLANK]


def request_summary(session: PerfSession) -> list[tuple[str, str]]:
    """p50, p95, p99, requests a second and error rate of the requests; empty without requests."""
    requests = session.requests
    if not requests:
        return []
    answered: Sequence[float] = [one.seconds for one in requests if not one.failed]
    told = [(f"p{share}", amount(percentile(answered, share), "s")) for share in (50, 95, 99)] if answered else []
    span = max(one.due + one.seconds for one in requests) - min(one.due for one in requests)
    told.append(("requests/s", f"{len(requests) / span:.1f}" if span > 0 else "-"))
    told.append(("failed", f"{sum(one.failed for one in requests)} of {len(requests)}"))
    return told
