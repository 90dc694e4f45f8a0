"""Where in the node tree a node belongs, and which rules count for it there."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node


@dataclass(frozen=True)
class Place:
    """The place of a node that is to be created."""

    boundary: Node | None
    """The steps or dag node whose template names this node; None for the entry template and for exit handlers."""
    parents: tuple[Node, ...]
    """The nodes before it in the graph, which get it as a child."""
    shown_under: Node | None
    """The node it is drawn under."""
    on_exit: bool
    """Whether it belongs to an exit handler or a hook, which a stopped workflow still runs."""
    hooked: bool = False
    """Whether it is the node of a lifecycle hook."""
    referrer: Template | None = None
    """The template around the node. The node's `outputs.result` is only captured if this one mentions it."""
    tell_started: Callable[[Node], None] | None = None
    """Called with the node when it begins to run, for hooks with an expression such as `status == "Running"`."""
