"""Shows a running workflow: a live tree on a terminal, plain lines elsewhere."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from slipway_workflows.argo import Event, Listener, NodeType, Phase
from slipway_workflows.argo.times import seconds_between

MARKS = {
    "Succeeded": ("✔", "green"),
    "Failed": ("✖", "red"),
    "Error": ("✖", "red"),
    "Skipped": ("○", "dim"),
    "Omitted": ("○", "dim"),
    "Pending": ("·", "yellow"),
}
ATTEMPT = re.compile(r"^(.*?)([^/]*)\((\d+)\)$")
"""The name of an attempt of a Retry node. Groups: the path above it, the name of the Retry node, the number from 0."""
REFRESH = 8
"""Redraws a second; fast enough for a spinner, cheap enough for two cores."""


def name_for_people(name: str) -> str:
    """A node's name or path for people: the first attempt of a step has the name of the step, later ones a number."""
    found = ATTEMPT.match(name)
    if not found:
        return name
    parents, own, number = found[1].removesuffix(f"{found[2]}/"), found[2], int(found[3])
    return f"{parents}{own}" + (f", attempt {number + 1}" if number else "")


def elapsed(event: Event) -> str:
    """How long a node has taken so far, as `3.4 s`; "" for a node that was left out or has not started."""
    took = None if event.phase.left_out else seconds_between(event.started, event.finished)
    return "" if took is None else f"{took:.1f} s"


class LiveTree:
    """The last known nodes of one workflow, drawn by rich as a tree, in the order in which they started."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: dict[str, Event] = {}

    def update(self, event: Event) -> None:
        """The listener: takes over the new state of a node."""
        self.nodes[event.node_id] = event

    def _children(self, parent: str | None) -> Iterator[Event]:
        for event in list(self.nodes.values()):
            if event.parent == parent:
                if event.type.is_bookkeeping:
                    yield from self._children(event.node_id)
                else:
                    yield event

    def _add_children(self, tree: Tree, parent: str | None) -> None:
        for event in self._children(parent):
            self._add_children(tree.add(self._line(event)), event.node_id)

    def _line(self, event: Event) -> Group | Text | Spinner:
        mark, style = MARKS.get(event.phase, ("", "bold"))
        label = Text.assemble(name_for_people(event.display_name), "  ", (elapsed(event), "dim"))
        if event.message and not event.phase.good:
            label.append(f"  {event.message}", style="red" if event.phase.failed else "yellow")
        if event.phase is not Phase.RUNNING:
            return Text.assemble((f"{mark} ", style), label, style="dim" if style == "dim" else "")
        spinner = Spinner("dots", text=label)
        said = last_line(event) if event.type is NodeType.POD else ""
        return Group(spinner, Text(f"  {said}", style="dim", overflow="ellipsis", no_wrap=True)) if said else spinner

    def __rich__(self) -> Tree:
        roots = list(self._children(None))
        first = next((event for event in roots if event.display_name == self.name), None)
        tree = Tree(self._line(first) if first else Text(self.name, style="bold"))
        if first:
            self._add_children(tree, first.node_id)
        for event in roots:
            if event is not first:
                self._add_children(tree.add(self._line(event)), event.node_id)
        return tree


def last_line(event: Event) -> str:
    """The last line that a step has written to its log; "" where there is none."""
    try:
        if event.log is None:
            return ""
        with event.log.open("rb") as log:
            log.seek(max(0, event.log.stat().st_size - 400))
            lines = log.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:160] if lines else ""


def print_event(event: Event) -> None:
    """Print one line for a change of a node. Groups are printed only when they fail, nodes that were left out never.

    It goes to stderr, because stdout may be used for JSON.
    """
    if event.type.is_bookkeeping or event.phase.left_out:
        return
    if event.type not in (NodeType.POD, NodeType.SUSPEND) and event.phase in (Phase.RUNNING, Phase.SUCCEEDED):
        return
    parts = [time.strftime("%H:%M:%S"), f"{event.phase:<9}", name_for_people(event.path)]
    if event.finished:
        parts.append(elapsed(event))
    if event.message:
        parts.append(f"- {event.message}")
    click.echo("  ".join(parts), err=True)


@contextmanager
def display(name: str) -> Iterator[Listener]:
    """Yields a listener that shows the workflow `name`: on a terminal as a live tree, elsewhere line by line."""
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_terminal):
        yield print_event
        return
    tree = LiveTree(name)
    with Live(tree, console=console, refresh_per_second=REFRESH, transient=False):
        yield tree.update
