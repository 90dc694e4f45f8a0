"""The tree of nodes of one workflow, with Argo's names, ids, types and edges."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway_workflows.argo import Phase, StoredNode
from slipway_workflows.argo.times import time_text

FNV_OFFSET, FNV_PRIME = 0x811C9DC5, 0x01000193
"""Constants of the 32-bit FNV-1a hash, with which Argo makes node ids."""


def now() -> str:
    """The present time as Kubernetes writes it, but with milliseconds: a local step may take less than a second."""
    return time_text(datetime.now(UTC), "milliseconds")


@dataclass(slots=True)
class Node:
    """One node of a running workflow: an entry of `status.nodes` while it still changes."""

    id: str
    name: str
    display_name: str
    type: str
    phase: str
    template_scope: str = ""
    template_name: str = ""
    template_ref: dict[str, Any] | None = None
    message: str = ""
    boundary: str = ""
    """The id of the steps or dag node whose template names this node; empty at the top."""
    started: str = ""
    """When it began, as Kubernetes writes times."""
    finished: str = ""
    """When it ended; empty while it has not."""
    children: list[str] = field(default_factory=list)
    """The ids of the nodes that follow it in the graph."""
    outbound: list[str] = field(default_factory=list)
    """The ids of the nodes inside it that end it; what follows it is linked to these."""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    """Argo's `nodeFlag`: `hooked` for a node that a lifecycle hook runs, `retried` for an attempt of a Retry node."""
    parent: str | None = None
    """The id of the node it is drawn under; None at the top."""
    path: str = ""
    """The display names from the top to this node, joined with "/", for people."""

    @property
    def fulfilled(self) -> bool:
        """Whether nothing more happens to it: it has ended, or was skipped or omitted."""
        return Phase(self.phase).fulfilled

    @property
    def completed(self) -> bool:
        """Whether it ran and has ended, in whatever phase."""
        return Phase(self.phase).completed

    @property
    def failed(self) -> bool:
        """Whether it ended in phase Failed or Error."""
        return Phase(self.phase).failed

    def stored(self) -> dict[str, Any]:
        """The node as an entry of `status.nodes`, without empty fields, as Argo writes it."""
        entry: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "displayName": self.display_name,
            "type": self.type,
            "templateName": self.template_name,
            "templateRef": self.template_ref,
            "templateScope": self.template_scope,
            "phase": self.phase,
            "message": self.message,
            "boundaryID": self.boundary,
            "startedAt": self.started or None,
            "finishedAt": self.finished or None,
            "nodeFlag": self.flags,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "children": self.children,
            "outboundNodes": self.outbound,
        }
        always = ("startedAt", "finishedAt")
        return {key: value for key, value in entry.items() if value or key in always}


def node_of(stored: StoredNode, parent: str | None) -> Node:
    """A stored node as a node of a new run. `parent`: the id of the node it is drawn under."""
    return Node(
        id=stored.id,
        name=stored.name,
        display_name=stored.display_name,
        type=stored.type,
        phase=stored.phase,
        template_scope=stored.template_scope,
        template_name=stored.template_name,
        template_ref=dict(stored.template_ref) if stored.template_ref else None,
        message=stored.message,
        boundary=stored.boundary,
        started=time_text(stored.started, "milliseconds") if stored.started else "",
        finished=time_text(stored.finished, "milliseconds") if stored.finished else "",
        children=list(stored.children),
        outbound=list(stored.outbound),
        inputs=copy.deepcopy(dict(stored.inputs)),
        outputs=copy.deepcopy(dict(stored.outputs)),
        flags=dict(stored.flags),
        parent=parent,
    )


class Tree:
    """All nodes of one workflow. `workflow`: its name. `changed` is called with each node that has changed."""

    def __init__(self, workflow: str, changed: Callable[[Node], None]) -> None:
        self.workflow = workflow
        self.nodes: dict[str, Node] = {}
        """The nodes by id, in the order in which they were created."""
        self._changed = changed
        self._edges: set[tuple[str, str]] = set()

    def node_id(self, name: str) -> str:
        """Argo's id of the node with this name: the workflow's name and a hash of the node's name."""
        if name == self.workflow:
            return name
        value = FNV_OFFSET
        for byte in name.encode():
            value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFF
        return f"{self.workflow}-{value}"

    def get(self, name: str) -> Node | None:
        """The node with this full name, or None where there is none."""
        return self.nodes.get(self.node_id(name))

    def create(self, name: str, **fields: Any) -> Node:
        """Add a new node that starts now. One that is created in a final phase has finished at the same time.

        `fields`: of `Node`, the phase among them.
        """
        node = Node(id=self.node_id(name), name=name, **fields)
        node.started = now()
        if node.fulfilled:
            node.finished = node.started
        return self._add(node)

    def adopt(self, node: Node) -> Node:
        """Add a node of an earlier run of the workflow unchanged, with its edges."""
        self._edges |= {(node.id, child) for child in node.children}
        return self._add(node)

    def _add(self, node: Node) -> Node:
        above = self.nodes.get(node.parent or "")
        shown = "" if node.type in ("StepGroup", "TaskGroup") else node.display_name
        # the node at the top, which has the workflow's name, is left out: every path would begin with it
        before = above.path if above and above.parent else ""
        node.path = "/".join(part for part in (before, shown) if part)
        self.nodes[node.id] = node
        self._changed(node)
        return node

    def mark(self, node: Node, phase: str, message: str = "") -> Node:
        """Put a node into a phase. An empty `message` clears the node's message for Running and Succeeded; for other
        phases it keeps the one there was.
        """
        node.phase = phase
        node.message = message or (node.message if phase not in ("Running", "Succeeded") else "")
        if node.fulfilled:
            node.finished = now()
        self._changed(node)
        return node

    def touch(self, node: Node) -> None:
        """Report that something other than the phase of a node has changed."""
        self._changed(node)

    def link(self, parent: Node, child: Node) -> None:
        """Add the edge from `parent` to `child` to the graph, if it is not there already."""
        if (parent.id, child.id) not in self._edges:
            self._edges.add((parent.id, child.id))
            parent.children.append(child.id)

    def outbound(self, node: Node) -> list[Node]:
        """The nodes at which `node` ends: what follows it in the graph becomes a child of these."""
        if node.type in ("Pod", "Skipped", "Suspend") or (node.type == "TaskGroup" and not node.children):
            return [node]
        if node.type == "Retry":
            # as in Argo's controller: the last child itself, even if a hook runs it, and not the nodes inside it
            return [self.nodes[child] for child in node.children[-1:]]
        inner = node.children if node.type == "TaskGroup" else node.outbound
        return [found for child in inner for found in self.outbound(self.nodes[child])]

    def attempts(self, node: Node) -> list[Node]:
        """The attempts of a Retry node, in order."""
        return [child for child in self.children(node) if not child.flags.get("hooked")]

    def last_attempt(self, node: Node) -> Node:
        """The last attempt of a Retry node, whose outputs are those of the Retry node; any other node itself."""
        attempts = self.attempts(node) if node.type == "Retry" else []
        return attempts[-1] if attempts else node

    def children(self, node: Node) -> Iterator[Node]:
        """The nodes that follow `node` in the graph."""
        return (self.nodes[child] for child in node.children)

    def stored(self) -> dict[str, Any]:
        """All nodes by id, as `status.nodes` of the workflow holds them."""
        return {key: node.stored() for key, node in self.nodes.items()}
