"""The plots of a report, as SVG for a page: drawn by matplotlib without its global state.

What a report's `series` hold comes from a gate's JSON: each function takes it as it is and gives None where it is
missing or makes no plot. Nothing here raises for bad data.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE, BLUE, RED, GREEN = "#16202e", "#526173", "#d5dce5", "#2557c9", "#bd232b", "#0d7550"
SVG = "http://www.w3.org/2000/svg"
MATRIX_NUMBERS = 16
"""Labels up to which a confusion matrix has room for its counts."""
MATRIX_VECTOR = 40
"""Labels up to which its cells are drawn one by one; beyond, they are one small image."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no SVG may hold."""


@dataclass(frozen=True)
class Plot:
    """A plot: `svg` is markup, safe to put into a page; `caption` says in words what it shows."""

    title: str
    caption: str
    svg: str


def latency_histogram(series: Any, p95: float | None, limit: float | None) -> Plot | None:
    """Latencies in ms, with p95 and the limit. Logarithmic where the limit is far away from what was measured."""
    latencies = [value for value in _numbers(series) if value >= 0]
    if not latencies:
        return None
    import numpy as np

    low, high = max(min(latencies), 0.1), max(*latencies, p95 or 0.0, limit or 0.0)
    logarithmic = high / low > 12
    with _drawing(4.5, 2.2) as figure:
        axes = figure.subplots()
        start, end = (low / 1.25, high * 1.25) if logarithmic else (0.0, high * 1.08)
        bins = np.geomspace(start, end, 49) if logarithmic else np.linspace(start, end, 41)
        axes.hist(np.clip(latencies, bins[0], bins[-1]), bins=bins.tolist(), color=BLUE, alpha=0.85)
        if logarithmic:
            axes.set_xscale("log")
            _plain_numbers(axes)
        axes.set_xlim(start, end)
        axes.set_xlabel("latency, ms" + (" (logarithmic)" if logarithmic else ""))
        axes.set_ylabel("requests")
        axes.margins(y=0.28)
        axes.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
        over = p95 is not None and limit is not None and p95 >= limit
        if p95 is not None:
            _upright(
                axes, p95, f"p95 {p95:.0f} ms", RED if over else GREEN, "-", left=p95 > (limit or 0) or p95 > high / 2
            )
        if limit is not None:
            _upright(axes, limit, f"limit {limit:.0f} ms", INK, "--", left=limit >= (p95 or 0), row=1)
        svg = _svg(figure, "latency")
    middle = sorted(latencies)[len(latencies) // 2]
    said = [f"{len(latencies)} requests", f"median {middle:.0f} ms", f"slowest {max(latencies):.0f} ms"]
    said += [f"p95 {p95:.0f} ms"] if p95 is not None else []
    said += [f"limit {limit:.0f} ms"] if limit is not None else []
    return Plot("Latency under load", ", ".join(said) + ".", svg)


def over_time(name: str, unit: str, curves: Sequence[tuple[str, float, Any]], limit: float | None) -> Plot | None:
    """Usage over time. curves: a label, the second at which it begins, [[seconds, value], ...]; `limit` in `unit`."""
    drawn = [(label, [(start + at, value) for at, value in _pairs(points)]) for label, start, points in curves]
    drawn = [(label, points) for label, points in drawn if points]
    if not drawn:
        return None
    peaks = [(label, max(value for _, value in points)) for label, points in drawn]
    with _drawing(4.5, 2.2) as figure:
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
        svg = _svg(figure, name)
    said = "; ".join(f"{label}: peak {peak:.0f} {unit}" for label, peak in peaks)
    return Plot(f"{name} over time", said + (f"; limit {limit:.0f} {unit}." if limit is not None else "."), svg)


def confusion_matrix(series: Any, labels: Any) -> Plot | None:
    """Counts: rows are the true labels, columns the predicted ones."""
    rows = [_numbers(row) for row in series] if isinstance(series, list) else []
    count = len(rows)
    if not count or any(len(row) != count for row in rows):
        return None
    names = [_clean(str(label)) for label in labels] if isinstance(labels, list) and len(labels) == count else []
    names = names or [str(index) for index in range(count)]
    total, right = sum(map(sum, rows)), sum(rows[index][index] for index in range(count))
    with _drawing(4.5, 3.7) as figure:
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
        svg = _svg(figure, "confusion")
    caption = f"{right:.0f} of {total:.0f} held-out samples on the diagonal, the right answers."
    wrong = [(rows[y][x], y, x) for y in range(count) for x in range(count) if x != y and rows[y][x]]
    if wrong:
        times, y, x = max(wrong, key=lambda cell: cell[0])
        caption += f" Most often confused: {names[y]} taken for {names[x]}, {times:.0f} times."
    return Plot("Confusion matrix", caption, svg)


def training_history(series: Any) -> Plot | None:
    """What was recorded of each epoch: losses above, everything else (accuracies) below."""
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
    with _drawing(4.5, 0.8 + 1.45 * len(groups)) as figure:
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
        svg = _svg(figure, "history")
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


def _upright(axes: "Axes", x: float, text: str, color: str, style: str, *, left: bool = False, row: int = 0) -> None:
    """A vertical line with its words beside it; `row` keeps two of them apart."""
    axes.axvline(x, color=color, linestyle=style, linewidth=1.6)
    axes.annotate(
        text,
        (x, 0.93 - 0.12 * row),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        color=color,
        weight="bold",
    )


def _plain_numbers(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


@contextmanager
def _drawing(width: float, height: float) -> Iterator["Figure"]:
    """A figure of that many inches in the report's style, which ends with it."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "report",
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "text.color": INK,
        "axes.labelcolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "axes.edgecolor": "#97a3b2",
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": LINE,
        "grid.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "xtick.minor.size": 0,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure


def _svg(figure: "Figure", prefix: str) -> str:
    """The figure's markup for a page: ids of its own, the page's font, no metadata, its width the card's."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - our own markup
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    rename: Callable[[str], str] = lambda text: re.sub(r"(url\(#|^#)", rf"\g<1>{prefix.lower()}-", text)  # noqa: E731
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "id":
                element.set(key, f"{prefix.lower()}-{value}")
            elif key == "style":
                element.set(key, rename(value).replace("'DejaVu Sans'", "system-ui, sans-serif"))
            elif key in ("clip-path", "{http://www.w3.org/1999/xlink}href"):
                element.set(key, rename(value))
    root.set("width", "100%")
    root.attrib.pop("height", None)
    root.set("aria-hidden", "true")  # its caption says it in words
    return ET.tostring(root, encoding="unicode")
