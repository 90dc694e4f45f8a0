"""The state of one run: its nodes, its global outputs, its Workflow on disk, and who listens."""

import copy
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway_workflows.engine.plan import Plan
from slipway_workflows.engine.store import RunStore
from slipway_workflows.engine.tree import Event, Node, node_id, now

WRITE_INTERVAL = 0.3
"""Seconds between two writes of workflow.json while steps change quickly; each end of the run is written at once."""

Listener = Callable[[Event], None]


class State:
    """Shared by the threads of a run; every change goes through `changed`."""

    def __init__(self, plan: Plan, store: RunStore, listener: Listener | None) -> None:
        self.plan, self.store, self.listener = plan, store, listener
        self.nodes: dict[str, Node] = {}
        self.globals: dict[str, str] = {}
        self.asked: dict[str, list[str]] = {}
        self.phase, self.message = "Pending", ""
        self.started, self.finished = now(), ""
        self.mutex = threading.RLock()
        self.written = 0.0
        self.later: threading.Timer | None = None

    def node(self, name: str, display_name: str, kind: str, **fields: Any) -> Node:
        """A new node."""
        found = Node(node_id(self.plan.name, name), name, display_name, kind, **fields)
        if kind == "Pod":
            found.log = self.log(found)
        with self.mutex:
            self.nodes[found.id] = found
        self.changed(found)
        return found

    def log(self, node: Node) -> Path:
        """The file of a pod's output."""
        return self.store.directory / "logs" / f"{node.id}.log"

    def changed(self, node: Node | None = None) -> None:
        """Tell the listener, and write now and then."""
        with self.mutex:
            if node and self.listener:
                path = node.name.removeprefix(self.plan.name).lstrip(".") or self.plan.name
                self.listener(
                    Event(
                        node.id,
                        node.display_name,
                        path,
                        node.parent,
                        node.type,
                        node.phase,
                        node.message,
                        node.started,
                        node.finished,
                        node.log,
                    )
                )
            if time.monotonic() - self.written > WRITE_INTERVAL:
                self.write()
            elif self.later is None:
                # what changed since the last write is on disk soon, whatever happens next
                self.later = threading.Timer(WRITE_INTERVAL, self.write)
                self.later.daemon = True
                self.later.start()

    def finish(self, node: Node, phase: str, message: str = "") -> Node:
        """A node has ended."""
        node.phase, node.message, node.finished = phase, message or node.message, now()
        if phase == "Succeeded":
            node.message = message
        self.changed(node)
        return node

    def child(self, parent: Node | None, child: Node) -> None:
        """An edge of the graph."""
        if parent is not None and child.id not in parent.children:
            with self.mutex:
                parent.children.append(child.id)

    def outbound(self, node: Node) -> list[Node]:
        """Where a graph goes on after a node: itself for a leaf, its last leaves for anything composed."""
        if node.type == "Retry":
            return [self.nodes[node.children[-1]]] if node.children else [node]
        if node.type in ("Steps", "DAG"):
            return [found for name in node.outbound for found in self.outbound(self.nodes[name])]
        return [node]

    def workflow(self) -> dict[str, Any]:
        """The Workflow as Argo stores it."""
        found = copy.deepcopy(self.plan.workflow)
        status: dict[str, Any] = {
            "phase": self.phase,
            "startedAt": self.started,
            "nodes": {name: node.as_argo() for name, node in list(self.nodes.items())},
        }
        if self.message:
            status["message"] = self.message
        if self.finished:
            status["finishedAt"] = self.finished
        if self.globals:
            status["outputs"] = {"parameters": [{"name": k, "value": v} for k, v in self.globals.items()]}
        if self.asked:
            status["asked"] = self.asked
        return found | {"status": status}

    def write(self) -> None:
        """Replace workflow.json."""
        with self.mutex:
            if self.later:
                self.later.cancel()
                self.later = None
            self.written = time.monotonic()
            self.store.write(self.workflow())
