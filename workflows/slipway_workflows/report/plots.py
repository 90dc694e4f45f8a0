"""The plots of a report as SVG markup.

The data come from the `series` in the JSON report of a gate, which may be anything. So each function returns None where
its data are missing or of another form, and none raises an error for bad data.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway_workflows.report.figure import BLUE, GREEN, INK, RED, figure_of, plain_log_ticks, svg_of, vertical_line

MATRIX_NUMBERS = 16
"""Largest number of labels with which a confusion matrix has room for the counts in its cells."""
MATRIX_VECTOR = 40
"""Largest number of labels with which the cells are vector graphics; with more they are one bitmap."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that are not allowed in an SVG file."""


@dataclass(frozen=True)
class Plot:
    """A plot. caption: in words what the plot shows. svg: markup that is safe to put into a page."""

    title: str
    caption: str
    svg: str


def latency_histogram(series: Any, p95: float | None, limit: float | None) -> Plot | None:
    """A histogram of latencies in milliseconds, with p95 and its limit; None where there are no latencies.

    The axis is logarithmic where the largest value is more than twelve times the smallest.
    """
    latencies = [value for value in _numbers(series) if value >= 0]
    if not latencies:
        return None
    import numpy as np

    low, high = max(min(latencies), 0.1), max(*latencies, p95 or 0.0, limit or 0.0)
    logarithmic = high / low > 12
    with figure_of(4.5, 2.2) as figure:
        axes = figure.subplots()
        start, end = (low / 1.25, high * 1.25) if logarithmic else (0.0, high * 1.08)
        bins = np.geomspace(start, end, 49) if logarithmic else np.linspace(start, end, 41)
        axes.hist(np.clip(latencies, bins[0], bins[-1]), bins=bins.tolist(), color=BLUE, alpha=0.85)
        if logarithmic:
            axes.set_xscale("log")
            plain_log_ticks(axes)
        axes.set_xlim(start, end)
        axes.set_xlabel("latency, ms" + (" (logarithmic)" if logarithmic else ""))
        axes.set_ylabel("requests")
        axes.margins(y=0.28)
        axes.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
        over = p95 is not None and limit is not None and p95 >= limit
        if p95 is not None:
            vertical_line(
                axes, p95, f"p95 {p95:.0f} ms", RED if over else GREEN, "-", left=p95 > (limit or 0) or p95 > high / 2
            )
        if limit is not None:
            vertical_line(axes, limit, f"limit {limit:.0f} ms", INK, "--", left=limit >= (p95 or 0), row=1)
        svg = svg_of(figure, "latency")
    middle = sorted(latencies)[len(latencies) // 2]
    said = [f"{len(latencies)} requests", f"median {middle:.0f} ms", f"slowest {max(latencies):.0f} ms"]
    said += [f"p95 {p95:.0f} ms"] if p95 is not None else []
    said += [f"limit {limit:.0f} ms"] if limit is not None else []
    return Plot("Latency under load", ", ".join(said) + ".", svg)


def over_time(name: str, unit: str, curves: Sequence[tuple[str, float, Any]], limit: float | None) -> Plot | None:
    """The usage of a resource over time; None where no curve has a point.

    curves: for each its label, the time in seconds at which it begins, and its points [[seconds, value], ...]. limit:
    of the usage, in `unit`.
    """
    drawn = [(label, [(start + at, value) for at, value in _pairs(points)]) for label, start, points in curves]
    drawn = [(label, points) for label, points in drawn if points]
    if not drawn:
        return None
    peaks = [(label, max(value for _, value in points)) for label, points in drawn]
    with figure_of(4.5, 2.2) as figure:
        axes = figure.subplots()
        for (label, points), color, style in zip(drawn, (BLUE, "#9a5b00", GREEN), ("-", "-.", ":"), strict=False):
            seconds, measured = zip(*points, strict=True)
            marker = "o" if len(points) < 4 else ""
            axes.plot(seconds, measured, color=color, linestyle=style, linewidth=1.8, marker=marker, markersize=4)
            axes.fill_between(seconds, measured, color=color, alpha=0.09, linewidth=0)
            axes.annotate(
                label,
                (seconds[0], measured[0]),
                xytext=(3, 6),
                textcoords="offset points",
                color=color,
                parse_math=False,
            )
        top = max([peak for _, peak in peaks] + ([limit] if limit else []))
        if limit is not None:
            axes.axhline(limit, color=RED, linestyle="--", linewidth=1.4)
            axes.annotate(
                f"limit {limit:.0f} {unit}",
                (1, limit),
                xycoords=("axes fraction", "data"),
                xytext=(-3, 4),
                textcoords="offset points",
                ha="right",
                color=RED,
            )
        axes.set_ylim(0, top * 1.18 or 1)
        axes.set_xlim(left=min(points[0][0] for _, points in drawn))
        axes.set_xlabel("seconds since the first sample")
        axes.set_ylabel(f"{name.lower()}, {unit}")
        svg = svg_of(figure, name)
    said = "; ".join(f"{label}: peak {peak:.0f} {unit}" for label, peak in peaks)
    return Plot(f"{name} over time", said + (f"; limit {limit:.0f} {unit}." if limit is not None else "."), svg)


def confusion_matrix(series: Any, labels: Any) -> Plot | None:
    """A confusion matrix; None where `series` is no square matrix of numbers.

    series: counts as [[...], ...], rows are the true labels, columns the predicted ones. labels: their names in order.
    """
    rows = [_numbers(row) for row in series] if isinstance(series, list) else []
    count = len(rows)
    if not count or any(len(row) != count for row in rows):
        return None
    names = [_clean(str(label)) for label in labels] if isinstance(labels, list) and len(labels) == count else []
    names = names or [str(index) for index in range(count)]
    total, right = sum(map(sum, rows)), sum(rows[index][index] for index in range(count))
    with figure_of(4.5, 3.7) as figure:
        axes = figure.subplots()
        mesh = axes.pcolormesh(rows, cmap="Blues", edgecolors="white", linewidth=1.2 if count <= MATRIX_VECTOR else 0)
        mesh.set_rasterized(count > MATRIX_VECTOR)
        if count <= MATRIX_NUMBERS:
            most = max(map(max, rows)) or 1
            for y, row in enumerate(rows):
                for x, value in enumerate(row):
                    if value:
                        shade = "white" if value > most * 0.55 else INK
                        axes.text(x + 0.5, y + 0.5, f"{value:.0f}", ha="center", va="center", color=shade, fontsize=7.5)
        if count <= MATRIX_VECTOR:
            middles = [index + 0.5 for index in range(count)]
            long = max(map(len, names)) > 3
            short = [name if len(name) <= 14 else name[:13] + "…" for name in names]
            axes.set_xticks(
                middles, short, rotation=40 if long else 0, ha="right" if long else "center", parse_math=False
            )
            axes.set_yticks(middles, short, parse_math=False)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.grid(visible=False)
        svg = svg_of(figure, "confusion")
    caption = f"{right:.0f} of {total:.0f} held-out samples on the diagonal, the right answers."
    wrong = [(rows[y][x], y, x) for y in range(count) for x in range(count) if x != y and rows[y][x]]
    if wrong:
        times, y, x = max(wrong, key=lambda cell: cell[0])
        caption += f" Most often confused: {names[y]} taken for {names[x]}, {times:.0f} times."
    return Plot("Confusion matrix", caption, svg)


def training_history(series: Any) -> Plot | None:
    """Curves of the values of each epoch: losses in the upper plot, all other values (accuracies) in the lower one.

    series: a list with a map for each epoch, such as {"epoch": 1, "train_loss": 1.2}. None where there is no number.
    """
    epochs = [entry for entry in series if isinstance(entry, dict)] if isinstance(series, list) else []
    keys = list(dict.fromkeys(key for entry in epochs for key in entry if key != "epoch"))
    curves = {key: [(_epoch(e, n), e[key]) for n, e in enumerate(epochs, 1) if _finite(e.get(key))] for key in keys}
    curves = {key: points for key, points in curves.items() if points}
    groups = [
        [key for key in curves if ("loss" in key) is loss][:3] for loss in (True, False)
    ]  # three colours, three line styles
    groups = [group for group in groups if group]
    if not groups:
        return None
    with figure_of(4.5, 0.8 + 1.45 * len(groups)) as figure:
        all_axes = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for axes, group in zip(all_axes, groups, strict=True):
            for key, color, style in zip(group, (BLUE, "#9a5b00", GREEN), ("-", "--", "-."), strict=False):
                x, y = zip(*curves[key], strict=True)
                label = _clean(key.replace("_", " "))[:30].lstrip()
                axes.plot(
                    x, y, color=color, linestyle=style, linewidth=1.8, marker="o", markersize=4, label=label or "?"
                )
            legend = axes.legend(frameon=False, fontsize=7.5, loc="best")
            for text in legend.get_texts():
                text.set_parse_math(False)
            axes.margins(y=0.15)
        all_axes[-1].set_xlabel("epoch")
        all_axes[-1].xaxis.get_major_locator().set_params(integer=True)
        svg = svg_of(figure, "history")
    last = "; ".join(f"{key.replace('_', ' ')} {points[-1][1]:.3g}" for key, points in curves.items())
    return Plot("Training history", f"{len(epochs)} epochs, at the end: {last}.", svg)


def _epoch(entry: dict[str, Any], fallback: int) -> float:
    value = entry.get("epoch")
    return float(value) if isinstance(value, (int, float)) and _finite(value) else float(fallback)


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(series: Any) -> list[float]:
    return [float(value) for value in series if _finite(value)] if isinstance(series, (list, tuple)) else []


def _pairs(series: Any) -> list[tuple[float, float]]:
    items = series if isinstance(series, (list, tuple)) else []
    return [(p[0], p[1]) for p in items if isinstance(p, (list, tuple)) and len(p) == 2 and all(map(_finite, p))]


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("?", text)
