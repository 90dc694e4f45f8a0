"""What a listener hears while a workflow runs."""

from dataclasses import dataclass
from pathlib import Path

from slipway_workflows.engine.state.nodes import Node


@dataclass(frozen=True)
class Event:
    """A node after a change. `parent`: node id it is drawn under; `path`: readable; times are RFC 3339, or None."""

    node_id: str
    display_name: str
    type: str
    phase: str
    message: str
    parent: str | None
    path: str
    started: str | None
    finished: str | None
    log: Path | None


def event_of(node: Node, directory: Path) -> Event:
    """The event of a node's change. `directory`: the run's."""
    return Event(
        node_id=node.id,
        display_name=node.display_name,
        type=node.type,
        phase=node.phase,
        message=node.message,
        parent=node.parent,
        path=node.path,
        started=node.started or None,
        finished=node.finished or None,
        log=directory / "logs" / f"{node.id}.log" if node.type == "Pod" else None,
    )
