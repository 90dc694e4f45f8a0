"""What a retried run keeps: the nodes that had succeeded, unless something before them in the graph ran anew.

`argo retry` starts from failed leaves: it leaves a failed step alone whose revert succeeded, and runs the predecessor
of a failed task again though it had succeeded. Here every node is decided by one rule. A node that had succeeded is
taken as it was, with all that is inside it, as long as each node before it was taken too; any other runs.
"""

import copy
from collections.abc import Iterable
from typing import Any

from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.state.nodes import Node, Tree

StoredNode = dict[str, Any]


class RetryPlan:
    """The nodes of the run before, by name, and the ids of those that ran anew since."""

    def __init__(self, nodes: Iterable[StoredNode]) -> None:
        self._by_id = {node["id"]: node for node in nodes}
        self._by_name = {node["name"]: node for node in self._by_id.values()}
        self._anew: set[str] = set()

    def ran(self, node: Node) -> None:
        """A leaf ran anew, or a node stands behind one that did."""
        self._anew.add(node.id)

    def stands_behind_new(self, parents: Iterable[Node]) -> bool:
        """Whether something ran anew right before."""
        return any(parent.id in self._anew for parent in parents)

    def restored(self, tree: Tree, name: str, place: Place) -> list[Node]:
        """The node `name` as it was, put into the tree, and after it all inside it; nothing where it has to run."""
        old = self._by_name.get(name)
        if old is None or old["phase"] != "Succeeded" or place.on_exit or self.stands_behind_new(place.parents):
            return []
        inside = self._inside(old)
        shown = place.shown_under.id if place.shown_under else None
        nodes = [
            self._node(stored, set(inside), shown if stored is old else self._above(stored))
            for stored in inside.values()
        ]
        _put(tree, nodes)
        for parent in place.parents:
            tree.link(parent, nodes[0])
        return nodes

    def _inside(self, old: StoredNode) -> dict[str, StoredNode]:
        """The node itself first, then what it bounds, and the tries of a Retry node."""
        found = {old["id"]: old}
        queue = [old]
        for node in queue:  # grows while it is walked
            tries = [self._by_id[child] for child in node.get("children") or [] if child in self._by_id]
            inner = [n for n in self._by_id.values() if n.get("boundaryID") == node["id"]]
            if node["type"] == "Retry":
                inner += [one for one in tries if one["name"].startswith(f"{node['name']}(")]
            for one in inner:
                if one["id"] not in found:
                    found[one["id"]] = one
                    queue.append(one)
        return found

    def _above(self, stored: StoredNode) -> str | None:
        """The node it is drawn under: its loop or Retry node, else its boundary."""
        for other in self._by_id.values():
            if other["type"] in ("Retry", "TaskGroup") and stored["id"] in (other.get("children") or []):
                return str(other["id"])
        return stored.get("boundaryID")

    def _node(self, stored: StoredNode, inside: set[str], parent: str | None) -> Node:
        return Node(
            id=stored["id"],
            name=stored["name"],
            display_name=stored.get("displayName", ""),
            type=stored["type"],
            phase=stored["phase"],
            template_scope=stored.get("templateScope", ""),
            template_name=stored.get("templateName", ""),
            template_ref=stored.get("templateRef"),
            message=stored.get("message", ""),
            boundary=stored.get("boundaryID", ""),
            started=stored.get("startedAt") or "",
            finished=stored.get("finishedAt") or "",
            # what came after it is linked again when it comes
            children=[child for child in stored.get("children") or [] if child in inside],
            outbound=list(stored.get("outboundNodes") or []),
            inputs=copy.deepcopy(stored.get("inputs") or {}),
            outputs=copy.deepcopy(stored.get("outputs") or {}),
            flags=dict(stored.get("nodeFlag") or {}),
            parent=parent,
        )


def _put(tree: Tree, nodes: list[Node]) -> None:
    for node in nodes:
        tree.adopt(node)
