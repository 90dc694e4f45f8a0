"""Where in the tree a node belongs, and which rules hold there."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node


@dataclass(frozen=True)
class Place:
    """The place of a node that does not exist yet; `dataclasses.replace` gives that of a neighbour."""

    boundary: Node | None
    """The steps or dag node whose template names this node; None for the entry point and for exit handlers."""
    parents: tuple[Node, ...]
    """The nodes that get an edge to it."""
    shown_under: Node | None
    """The node it is drawn under."""
    on_exit: bool
    """Whether it belongs to an exit handler, which a stopped workflow still runs."""
    hooked: bool = False
    """Whether a lifecycle hook runs it."""
    referrer: Template | None = None
    """The template whose text may read this node's result."""
    started: Callable[[Node], None] | None = None
    """Told when the node begins to run, for hooks on `status == "Running"`."""
