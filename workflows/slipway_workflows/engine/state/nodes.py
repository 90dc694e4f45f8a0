"""The tree of nodes of one workflow, with Argo's names, ids, types and edges."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway_workflows.argo import Phase, StoredNode
from slipway_workflows.argo.times import time_text

FNV_OFFSET, FNV_PRIME = 0x811C9DC5, 0x01000193
"""FNV-1a of 32 bits, by which Argo makes node ids."""


def now() -> str:
    """The present moment as Kubernetes writes it, with the milliseconds that a short local step needs."""
    return time_text(datetime.now(UTC), "milliseconds")


@dataclass
class Node:
    """One node. `parent` and `path` are for showing it: the node it is drawn under, and its readable path."""

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
    started: str = ""
    finished: str = ""
    children: list[str] = field(default_factory=list)
    outbound: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    parent: str | None = None
    path: str = ""

    @property
    def fulfilled(self) -> bool:
        """Nothing more happens to it."""
        return Phase(self.phase).fulfilled

    @property
    def completed(self) -> bool:
        """It ran to an end, good or bad."""
        return Phase(self.phase).completed

    @property
    def failed(self) -> bool:
        """It ended badly."""
        return Phase(self.phase).failed

    def stored(self) -> dict[str, Any]:
        """As `status.nodes` holds it."""
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
    """A node of the run before, as it was stored, drawn under the node `parent`."""
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
    """All nodes by id. `changed` is told of each change, once per call."""

    def __init__(self, workflow: str, changed: Callable[[Node], None]) -> None:
        self.workflow = workflow
        self.nodes: dict[str, Node] = {}
        self._changed = changed
        self._edges: set[tuple[str, str]] = set()

    def node_id(self, name: str) -> str:
        """Argo's id of a node: the workflow's name and a hash of the node's."""
        if name == self.workflow:
            return name
        value = FNV_OFFSET
        for byte in name.encode():
            value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFF
        return f"{self.workflow}-{value}"

    def get(self, name: str) -> Node | None:
        """The node of that name."""
        return self.nodes.get(self.node_id(name))

    def create(self, name: str, **fields: Any) -> Node:
        """A new node, started now; one of a final phase is finished at once."""
        node = Node(id=self.node_id(name), name=name, **fields)
        node.started = now()
        if node.fulfilled:
            node.finished = node.started
        return self._placed(node)

    def adopt(self, node: Node) -> Node:
        """A node of the run before, as it was, with its edges."""
        self._edges |= {(node.id, child) for child in node.children}
        return self._placed(node)

    def _placed(self, node: Node) -> Node:
        above = self.nodes.get(node.parent or "")
        shown = "" if node.type in ("StepGroup", "TaskGroup") else node.display_name
        # the workflow's own name would stand before every path
        before = above.path if above and above.parent else ""
        node.path = "/".join(part for part in (before, shown) if part)
        self.nodes[node.id] = node
        self._changed(node)
        return node

    def mark(self, node: Node, phase: str, message: str = "") -> Node:
        """Put a node into a phase; an empty message keeps the one there was unless the node begins to run."""
        node.phase = phase
        node.message = message or (node.message if phase not in ("Running", "Succeeded") else "")
        if node.fulfilled:
            node.finished = now()
        self._changed(node)
        return node

    def touch(self, node: Node) -> None:
        """Something else of the node changed."""
        self._changed(node)

    def link(self, parent: Node, child: Node) -> None:
        """An edge of the graph; the same edge counts once."""
        if (parent.id, child.id) not in self._edges:
            self._edges.add((parent.id, child.id))
            parent.children.append(child.id)

    def outbound(self, node: Node) -> list[Node]:
        """The nodes that what comes after `node` is linked to."""
        if node.type in ("Pod", "Skipped", "Suspend") or (node.type == "TaskGroup" and not node.children):
            return [node]
        if node.type == "Retry":
            # the last child as it is, a hook's too, and never what is inside it: so the real controller does
            return [self.nodes[child] for child in node.children[-1:]]
        inner = node.children if node.type == "TaskGroup" else node.outbound
        return [found for child in inner for found in self.outbound(self.nodes[child])]

    def attempts(self, node: Node) -> list[Node]:
        """The tries of a Retry node, in order."""
        return [child for child in self.children(node) if not child.flags.get("hooked")]

    def last_try(self, node: Node) -> Node:
        """The last try of a Retry node, whose outputs count for it; any other node itself."""
        tries = self.attempts(node) if node.type == "Retry" else []
        return tries[-1] if tries else node

    def children(self, node: Node) -> Iterator[Node]:
        """The nodes that follow `node` in the graph."""
        return (self.nodes[child] for child in node.children)

    def stored(self) -> dict[str, Any]:
        """`status.nodes`."""
        return {key: node.stored() for key, node in self.nodes.items()}
