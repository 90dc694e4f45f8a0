"""Events of a workflow: each change of a node, for whoever watches the workflow."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slipway_steps.domain.errors import PlatformError
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.stored import StoredWorkflow
from slipway_workflows.argo.times import BEFORE_ALL


@dataclass(frozen=True)
class Event:
    """The state of a node after a change.

    parent: id of the node that it is shown under, None at the top. path: its place in the workflow for people, such as
    `test/gates/load`. log: the file with the output of its program, None where this machine has no such file.
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
    """One event for each node of a workflow, in the order in which the nodes started.

    logs: the directory with the files `<node id>.log`, if this machine has it. Raises PlatformError where the nodes
    cannot be read, BadInput where they are not in Argo's form.
    """
    return [
        Event(
            node_id=node.id,
            display_name=node.display_name,
            type=node.type,
            phase=node.phase,
            message=node.message_for_people,
            parent=workflow.display_parents[node.id],
            path=workflow.path(node),
            started=node.started,
            finished=node.finished,
            log=logs / f"{node.id}.log" if logs and node.type is NodeType.POD else None,
        )
        for node in sorted(workflow.nodes.values(), key=lambda node: node.started or BEFORE_ALL)
    ]


def watch(
    read: Callable[[], StoredWorkflow],
    listener: Listener,
    warn: Callable[[str], None],
    pause: Callable[[], None] = lambda: time.sleep(2.0),
    logs: Path | None = None,
) -> StoredWorkflow:
    """Read a workflow again and again until it has ended, and call `listener` for each change; returns the last state.

    read: reads the workflow; when it raises PlatformError it is called again, any other error is passed on. warn: gets
    the message of the first PlatformError of a series. pause: waits between two reads. logs: as for `events`.
    """
    seen: dict[str, tuple[Phase, str]] = {}
    warned = False
    while True:
        try:
            workflow = read()
            current = events(workflow, logs)
        except PlatformError as error:
            if not warned:
                warn(str(error))
            warned = True
        else:
            warned = False
            for event in current:
                if seen.get(event.node_id) != (event.phase, event.message):
                    seen[event.node_id] = (event.phase, event.message)
                    listener(event)
            if workflow.phase.completed:
                return workflow
        pause()
