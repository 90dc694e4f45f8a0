"""The events that a listener of a run in this process gets."""

from pathlib import Path

from slipway_workflows.argo import Event, NodeType, Phase
from slipway_workflows.argo.times import parse_time
from slipway_workflows.engine.state.nodes import Node


def event_of(node: Node, directory: Path) -> Event:
    """The event that tells a listener of a node as it is now. `directory`: the run's."""
    return Event(
        node_id=node.id,
        display_name=node.display_name,
        type=NodeType(node.type),
        phase=Phase(node.phase),
        message=node.message,
        parent=node.parent,
        path=node.path,
        started=parse_time(node.started),
        finished=parse_time(node.finished),
        log=log_file(directory, node.id) if node.type == NodeType.POD else None,
    )


def log_file(directory: Path, node_id: str) -> Path:
    """The file that the output of a pod's program is written to. `directory`: the run's."""
    return directory / "logs" / f"{node_id}.log"
