"""The phase of a dag whose tasks have all ended."""

from collections.abc import Mapping

from slipway_workflows.engine.manifests.templates import TemplateCaller
from slipway_workflows.engine.run.references import continues_on
from slipway_workflows.engine.state.nodes import Node, Tree


def dag_phase(tree: Tree, dag: Node, targets: Mapping[str, TemplateCaller]) -> str:
    """The first bad phase of a target that its `continueOn` does not allow, in the order of `targets`; else Succeeded.

    A target that did not run has the phase of the last node before it on its branch of the graph.
    """
    ids = {tree.node_id(f"{dag.name}.{name}"): name for name in targets}
    branch: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(child, "Succeeded") for child in dag.children]
    for key, above in queue:  # grows while it is walked
        found = tree.nodes[key]
        now = found.phase if found.completed else above
        if key in ids and branch.get(ids[key]) not in ("Failed", "Error"):
            branch[ids[key]] = now
        for child in _onward(tree, found):
            if (child, now) not in seen:
                seen.add((child, now))
                queue.append((child, now))
    for name, task in targets.items():
        phase = branch.get(name, "Succeeded")
        if phase in ("Failed", "Error") and not continues_on(task, phase):
            return phase
    return "Succeeded"


def _onward(tree: Tree, node: Node) -> list[str]:
    """Where the graph goes on behind a node. The tries of a Retry node do not count, but what follows them does, and
    its hooks: what comes after it may be linked to a hook.
    """
    if node.type != "Retry":
        return node.children
    found: list[str] = []
    for child in reversed(list(tree.children(node))):
        found += [child.id] if child.flags.get("hooked") else child.children
    return found
