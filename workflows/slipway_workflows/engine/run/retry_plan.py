"""What a retry takes over from the run before it: the nodes that need not run again, by `argo.retry_rule`."""

from collections.abc import Iterator
from dataclasses import replace

from slipway_workflows.argo import NodeType, StoredNode, StoredWorkflow
from slipway_workflows.argo.retry_rule import nodes_to_run_again
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.state.nodes import Node, Tree, node_of


class RetryPlan:
    """The nodes that a retry keeps. `before`: the workflow as the run before stored it."""

    def __init__(self, before: StoredWorkflow) -> None:
        anew = nodes_to_run_again(before)
        self._before = before
        # A steps or dag node that did not succeed is not among these: it runs again, and the nodes inside of it that
        # did succeed are restored one by one, when it comes to them.
        self._kept = {node.name: node for node in before.nodes.values() if node.phase.good and node.id not in anew}
        self._members: dict[str, list[StoredNode]] = {}
        for node in before.nodes.values():
            self._members.setdefault(node.boundary, []).append(node)

    def restored(self, tree: Tree, name: str, place: Place) -> list[Node]:
        """Put the node `name`, and all nodes inside of it, into the tree as they were, if it need not run again.

        `place`: where it belongs in the new run. Returns these nodes, `name` first; an empty list where it has to run.
        """
        old = self._kept.get(name)
        if old is None:
            return []
        inside = {one.id: one for one in self._with_all_inside(old)}
        shown = place.shown_under.id if place.shown_under else None
        nodes = [
            node_of(
                # the nodes that follow are linked to it again when they are created or restored themselves
                replace(one, children=tuple(child for child in one.children if child in inside)),
                shown if one is old else self._before.display_parents[one.id],
            )
            for one in inside.values()
        ]
        for node in nodes:
            tree.adopt(node)
        for parent in place.parents:
            tree.link(parent, nodes[0])
        return nodes

    def _with_all_inside(self, old: StoredNode) -> Iterator[StoredNode]:
        """The node itself first, then all nodes inside of it: those of its template, the attempts of a Retry node."""
        yield old
        inner = list(self._members.get(old.id, ()))
        if old.type is NodeType.RETRY:
            inner += self._before.attempts_or_items(old)
        for one in inner:
            yield from self._with_all_inside(one)
