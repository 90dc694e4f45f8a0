"""The layout of the graph: the place of each step and the arrows, in SVG user units (CSS pixels at full size)."""

from dataclasses import dataclass, replace

from slipway_workflows.report.graph import State, Step
from slipway_workflows.report.times import duration_text

HEIGHT = 50.0
GAP = 14.0
ARROW = 26.0
PAD = 12.0
HEAD = 34.0
LETTER_WIDTH = 7.1
"""Mean width of a letter at 13 px, semi-bold. A name that does not fit is cut; the tooltip has the whole name."""


@dataclass(frozen=True)
class Box:
    """The rectangle of a step, with its top left corner at (x, y). group: whether other boxes are drawn inside it."""

    step: Step
    x: float
    y: float
    width: float
    height: float
    group: bool = False

    @property
    def title(self) -> str:
        """The name, as much of it as fits."""
        room = int((self.width - 46) / LETTER_WIDTH)
        name = self.step.name
        return name if len(name) <= room else name[: max(1, room - 1)] + "…"

    @property
    def caption(self) -> str:
        """State, duration and attempts of the step in a few words, as many as fit."""
        step = self.step
        words = [] if step.state is State.DONE else [step.state.value]
        words += [duration_text(step.seconds)] if step.seconds is not None else []
        words += [f"{step.attempts} attempts"] if step.attempts > 1 else []
        words += ["on exit"] if step.on_exit else []
        while len(words) > 1 and len(" · ".join(words)) * 6.2 > self.width - 46:
            words.pop()
        return " · ".join(words)

    @property
    def tooltip(self) -> str:
        """Name, state, duration and message of the step, which a browser shows when the pointer is on the box."""
        step = self.step
        texts = [f"{step.name}: {step.state.value}", duration_text(step.seconds), step.message]
        return ", ".join(part for part in texts if part)


@dataclass(frozen=True)
class Edge:
    """An arrow from (x1, y1) to (x2, y2).

    taken: whether the workflow took this way; other arrows are drawn dashed. across: whether the arrow leads to the
    right; else it leads down.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    taken: bool
    across: bool

    @property
    def path(self) -> str:
        """The `d` attribute of the SVG path: a curve that is straight where start and end are in line."""
        x1, y1, x2, y2 = self.x1, self.y1, self.x2, self.y2
        if self.across:
            middle = (x1 + x2) / 2
            return f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        middle = (y1 + y2) / 2
        return f"M{x1:.1f} {y1:.1f}C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"


@dataclass(frozen=True)
class Picture:
    """The whole graph. A group comes before the boxes inside it, so that it is drawn behind them."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def arrange(root: Step, *, across: bool) -> Picture:
    """The layout of the graph of a workflow.

    across: whether its rows are placed from left to right, for a wide page; else from top to bottom. The rows inside a
    nested template always go from top to bottom.
    """
    wide, narrow = (152.0, 122.0) if across else (176.0, 102.0)
    picture = _across(root, wide, narrow) if across else _down(root, wide, narrow)
    return replace(picture, width=picture.width + 2, height=picture.height + 2)


def _cell(step: Step, width: float, wide: float, narrow: float) -> Picture:
    """One step with the steps inside it, placed at (0, 0)."""
    if not step.rows:
        return Picture(width, HEIGHT, (Box(step, 0, 0, width, HEIGHT),), ())
    inner = _down(step, wide, narrow)
    size = (max(inner.width + 2 * PAD, width), inner.height + HEAD + PAD)
    inner = _moved(inner, (size[0] - inner.width) / 2, HEAD)
    return Picture(*size, (Box(step, 0, 0, *size, group=True), *inner.boxes), inner.edges)


def _down(parent: Step, wide: float, narrow: float) -> Picture:
    """The rows of a step one below the other, each centred."""
    rows = [[_cell(step, wide if len(row) == 1 else narrow, wide, narrow) for step in row] for row in parent.rows]
    widths = [sum(cell.width for cell in row) + GAP * (len(row) - 1) for row in rows]
    width, y = max(widths, default=0.0), 0.0
    placed: list[Picture] = []
    for row, row_width in zip(rows, widths, strict=True):
        x = (width - row_width) / 2
        for cell in row:
            placed.append(_moved(cell, x, y))
            x += cell.width + GAP
        y += max(cell.height for cell in row) + ARROW
    return _joined(parent, width, y - ARROW, placed, across=False)


def _across(parent: Step, wide: float, narrow: float) -> Picture:
    """The rows of a step as columns from left to right, with their tops in line."""
    x, height = 0.0, 0.0
    placed: list[Picture] = []
    for row in parent.rows:
        cells = [_cell(step, wide, wide, narrow) for step in row]
        y, width = 0.0, max(cell.width for cell in cells)
        for cell in cells:
            placed.append(_moved(cell, x, y))
            y += cell.height + GAP
        x, height = x + width + ARROW + 6, max(height, y - GAP)
    return _joined(parent, x - ARROW - 6, height, placed, across=True)


def _moved(picture: Picture, dx: float, dy: float) -> Picture:
    boxes = tuple(replace(box, x=box.x + dx, y=box.y + dy) for box in picture.boxes)
    edges = tuple(
        replace(edge, x1=edge.x1 + dx, y1=edge.y1 + dy, x2=edge.x2 + dx, y2=edge.y2 + dy) for edge in picture.edges
    )
    return replace(picture, boxes=boxes, edges=edges)


def _joined(parent: Step, width: float, height: float, placed: list[Picture], *, across: bool) -> Picture:
    """The placed steps of `parent` as one picture, with the arrows between them."""
    tops = {piece.boxes[0].step.id: piece.boxes[0] for piece in placed}
    edges = []
    for source_id, target_id in parent.links:
        if source_id not in tops or target_id not in tops:
            continue
        source, target = tops[source_id], tops[target_id]
        taken = source.step.ran and target.step.ran
        if across:
            ends = (source.x + source.width, source.y + HEIGHT / 2, target.x, target.y + HEIGHT / 2)
        else:
            middle = (source.x + source.width / 2, target.x + target.width / 2)
            ends = (middle[0], source.y + source.height, middle[1], target.y)
        edges.append(Edge(*ends, taken=taken, across=across))
    inner = [edge for piece in placed for edge in piece.edges]
    return Picture(width, height, tuple(box for piece in placed for box in piece.boxes), (*inner, *edges))
