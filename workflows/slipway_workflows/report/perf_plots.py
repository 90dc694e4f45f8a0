"""The plots of a performance test: time of each run, latencies of requests, ratios with their intervals, pair noise,
history. Each function returns None where there is nothing to draw.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from slipway_steps.domain.comparison import MetricComparison
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import PerfSession, RunOutcome
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.figure import BLUE, GREEN, INK, MUTED, RED, figure_of, svg_of
from slipway_workflows.report.plots import Plot, latency_histogram

AMBER = "#9a5b00"
COLORS = {Verdict.PASS: GREEN, Verdict.REJECT: RED}


class HistoryPoint(NamedTuple):
    """One earlier session: when it was (Unix seconds), the median of its end to end times (s), whether it belongs to
    the baseline.
    """

    at: float
    median: float
    baseline: bool = False


MARKS = {
    RunOutcome.FAILED: (RED, "x", "cross"),
    RunOutcome.UNFINISHED: (AMBER, "|", "bar"),
    RunOutcome.BROKEN: (AMBER, "+", "plus"),
}
"""How the runs that did not succeed are drawn: color, mark, and the mark's name."""


def run_times(session: PerfSession) -> Plot | None:
    """The end to end time of each run in the order of submission: warm-ups hollow, runs that did not succeed as marks
    on the axis.
    """
    start = min((run.started for run in session.runs), default=0.0)
    timed = [run for run in session.runs if run.outcome is RunOutcome.SUCCEEDED and END_TO_END in run.metrics]
    others = [run for run in session.runs if run.outcome is not RunOutcome.SUCCEEDED]
    if not timed and not others:
        return None
    with figure_of(4.5, 2.2) as figure:
        axes = figure.subplots()
        for warm, face in ((False, BLUE), (True, "none")):
            runs = [run for run in timed if run.warm_up is warm]
            points = [run.started - start for run in runs], [run.metrics[END_TO_END] for run in runs]
            axes.plot(*points, "o", color=BLUE, markerfacecolor=face, markersize=5)
        for outcome, (color, mark, _) in MARKS.items():
            at = [run.started - start for run in others if run.outcome is outcome]
            axes.plot(at, [0.0] * len(at), mark, color=color, markersize=7, clip_on=False)
        median = session.median(END_TO_END)
        if median is not None:
            axes.axhline(median, color=GREEN, linewidth=1.4)
            axes.annotate(
                f"median {median:.2f} s",
                (1, 0.06),
                xycoords="axes fraction",
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                color=GREEN,
                weight="bold",
            )
        axes.set_ylim(0, max([run.metrics[END_TO_END] for run in timed], default=1.0) * 1.2)
        axes.set_xlabel("seconds since the first submission")
        axes.set_ylabel("end to end, s")
        svg = svg_of(figure, "runs")
    said = [so_many(len(session.timed), "timed run")]
    said += [f"median {median:.2f} s"] if median is not None else []
    hollow = sum(run.warm_up for run in timed)
    said += [f"{hollow} warm-up (hollow), not counted"] if hollow else []
    for outcome, (_, _, mark) in MARKS.items():
        count = sum(run.outcome is outcome for run in others)
        said += [f"{count} {outcome} ({mark} on the axis)"] if count else []
    return Plot("Time of each run", ", ".join(said) + ".", svg)


def request_latencies(session: PerfSession) -> Plot | None:
    """A histogram of the latencies of all requests that were answered, in milliseconds."""
    seconds = [one.seconds for one in session.requests if not one.failed]
    if not seconds:
        return None
    drawn = latency_histogram([1000 * one for one in seconds], 1000 * percentile(seconds, 95), None)
    return drawn and Plot("Latency of requests", f"{drawn.caption} Each counts from when it was due.", drawn.svg)


def forest(metrics: Sequence[MetricComparison]) -> Plot | None:
    """The ratio of head to base of each metric with its interval, and its limit."""
    known = [(one, one.ratio) for one in metrics if one.ratio is not None]
    if not known:
        return None
    with figure_of(4.5, 0.8 + 0.45 * len(known)) as figure:
        axes = figure.subplots()
        for row, (one, ratio) in enumerate(known):
            color = COLORS.get(one.verdict, AMBER)
            axes.plot([ratio.low, ratio.high], [row, row], color=color, linewidth=2.2)
            axes.plot([ratio.estimate], [row], "o", color=color, markersize=6)
            axes.plot([one.limit] * 2, [row - 0.35, row + 0.35], color=INK, linestyle="--", linewidth=1.4)
        axes.axvline(1, color=MUTED, linewidth=1)
        axes.set_yticks(range(len(known)), [one.metric for one, _ in known], parse_math=False)
        axes.set_ylim(len(known) - 0.4, -0.6)
        axes.set_xlabel("head / base (dashed: the limit)")
        svg = svg_of(figure, "forest")
    said = "; ".join(f"{one.metric} {ratio}, limit ×{one.limit:.2f}: {one.verdict}" for one, ratio in known)
    return Plot("How much slower head is", said + ".", svg)


def pair_noise(name: str, log_ratios: Sequence[float]) -> Plot | None:
    """The ratio of each pair in the order of time. log_ratios: log of head / base."""
    if not log_ratios:
        return None
    ratios = [math.exp(one) for one in log_ratios]
    with figure_of(4.5, 2.0) as figure:
        axes = figure.subplots()
        axes.axhline(1, color=MUTED, linewidth=1)
        axes.plot(range(1, len(ratios) + 1), ratios, "o", color=BLUE, markersize=4)
        axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # the stub knows the base class
        axes.set_xlabel("pair, in the order of time")
        axes.set_ylabel("head / base")
        svg = svg_of(figure, f"pairs-{name}")
    middle = percentile(log_ratios, 50)
    spread = percentile([abs(one - middle) for one in log_ratios], 68)
    within = f"68 % of them are within {100 * math.expm1(spread):.1f} % of it"
    pairs = so_many(len(ratios), "pair")
    caption = f"{pairs}, median ×{math.exp(middle):.2f}; {within}. The order inside each pair is random."
    return Plot(f"Pairs: {name}", caption, svg)


def history(points: Sequence[HistoryPoint], hint: str = "") -> Plot | None:
    """The medians of earlier sessions over time. hint: what the trend says, in words."""
    if len(points) < 2:
        return None
    told = f"{len(points)} sessions on the same machine and target, baseline in green. {hint}".strip()
    return Plot("History", told, _over_time(points, "history", "median end to end, s"))


def finished_runs(pipeline: str, points: Sequence[HistoryPoint], hint: str = "") -> Plot | None:
    """The time of each finished run of a template over time. hint: what the trend says, in words."""
    if len(points) < 2:
        return None
    told = f"{len(points)} runs that succeeded. {hint}".strip()
    return Plot(pipeline, told, _over_time(points, f"runs-{pipeline}", "end to end, s"))


def _over_time(points: Sequence[HistoryPoint], prefix: str, label: str) -> str:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    with figure_of(4.5, 2.2) as figure:
        axes = figure.subplots()
        axes.xaxis_date(tz=UTC)
        locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
        days = [date2num(datetime.fromtimestamp(one.at, UTC)) for one in points]
        medians = [one.median for one in points]
        axes.plot(days, medians, color=BLUE, linewidth=1.4, marker="o", markersize=4)
        chosen = [(day, one.median) for day, one in zip(days, points, strict=True) if one.baseline]
        if chosen:
            axes.plot(*zip(*chosen, strict=True), "o", color=GREEN, markersize=7)
        axes.set_ylim(0, max(medians) * 1.2)
        axes.set_ylabel(label)
        axes.set_xlabel("UTC")
        return svg_of(figure, prefix)
