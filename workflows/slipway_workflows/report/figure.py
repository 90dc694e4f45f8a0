"""Figures of the plots: style, marks and SVG markup. Global state of matplotlib is not used."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE, BLUE, RED, GREEN = "#16202e", "#526173", "#d5dce5", "#2557c9", "#bd232b", "#0d7550"
SVG = "http://www.w3.org/2000/svg"


def vertical_line(
    axes: "Axes", x: float, text: str, color: str, style: str, *, left: bool = False, row: int = 0
) -> None:
    """Draw a vertical line at `x` with a text beside it. `row` moves the text down, so that no texts overlap."""
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


def plain_log_ticks(axes: "Axes") -> None:
    """Label the ticks of a logarithmic x axis with plain numbers: 1, 2, 5, 10, ... instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


@contextmanager
def figure_of(width: float, height: float) -> Iterator["Figure"]:
    """A figure of `width` times `height` inches. The style of the report holds as long as the block runs."""
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


def svg_of(figure: "Figure", prefix: str) -> str:
    """The SVG markup of a figure for a page: unique ids with `prefix`, the font of the page, the width of its card."""
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
    root.set("aria-hidden", "true")  # screen readers get the caption instead
    return ET.tostring(root, encoding="unicode")
