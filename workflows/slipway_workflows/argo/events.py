"""What a person who follows a workflow is told: each change of each node."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.errors import PlatformError
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.stored import StoredWorkflow

_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """A node after a change. `parent`: id of the node it is drawn under; `path`: where it is, for a person to read;
    `log`: the file of its program's output, where this machine has it.
    """

    node_id: str
    display_name: str
    type: NodeType
    phase: Phase
    message: str
    parent: str | None
    path: str
    started: datetime | None
    finished: datetime | None
    log: Path | None


Listener = Callable[[Event], None]


def events(workflow: StoredWorkflow, logs: Path | None = None) -> list[Event]:
    """The nodes of a workflow as a listener hears them, in the order in which they began.

    `logs`: the directory of `<node id>.log`. Raises PlatformError where the nodes cannot be read.
    """
    return [
        Event(
            node_id=node.id,
            display_name=node.display_name,
            type=node.type,
            phase=node.phase,
            message=node.message,
            parent=workflow.drawn_under[node.id],
            path=workflow.path(node),
            started=node.started,
            finished=node.finished,
            log=logs / f"{node.id}.log" if logs and node.type is NodeType.POD else None,
        )
        for node in sorted(workflow.nodes.values(), key=lambda node: node.started or _FIRST)
    ]


def watch(
    look: Callable[[], StoredWorkflow],
    listener: Listener,
    warn: Callable[[str], None],
    pause: Callable[[], None] = lambda: time.sleep(2.0),
    logs: Path | None = None,
) -> StoredWorkflow:
    """Tell `listener` of each change of a workflow until it has ended; returns it as it ended.

    look: reads the workflow. warn: is told once when looking begins to fail with PlatformError; it is tried again.
    pause: waits between two looks. Whatever else `look` raises goes through.
    """
    seen: dict[str, tuple[Phase, str]] = {}
    warned = False
    while True:
        try:
            workflow = look()
            heard = events(workflow, logs)
        except PlatformError as error:
            if not warned:
                warn(str(error))
            warned = True
        else:
            warned = False
            for event in heard:
                if seen.get(event.node_id) != (event.phase, event.message):
                    seen[event.node_id] = (event.phase, event.message)
                    listener(event)
            if workflow.phase.completed:
                return workflow
        pause()
