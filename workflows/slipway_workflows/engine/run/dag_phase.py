"""The phase of a dag whose tasks have all ended."""

from collections.abc import Mapping

from slipway_workflows.engine.manifests.templates import TemplateCaller
from slipway_workflows.engine.run.references import continues_on
from slipway_workflows.engine.state.nodes import Node, Tree


def dag_phase(tree: Tree, dag: Node, targets: Mapping[str, TemplateCaller]) -> str:
    """The phase of the first target, in the order of `targets`, that is Failed or Error and whose `continueOn` does not
    allow that; Succeeded where there is none.

    `dag`: the dag's node. A target that did not run counts with the phase of the last node before it on its branch of
    the graph that ran.
    """
    ids = {tree.node_id(f"{dag.name}.{name}"): name for name in targets}
    phase_of: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(child, "Succeeded") for child in dag.children]
    for key, above in queue:  # grows while it is walked
        found = tree.nodes[key]
        branch = found.phase if found.completed else above
        if key in ids and phase_of.get(ids[key]) not in ("Failed", "Error"):
            phase_of[ids[key]] = branch
        for child in _followers(tree, found):
            if (child, branch) not in seen:
                seen.add((child, branch))
                queue.append((child, branch))
    for name, task in targets.items():
        phase = phase_of.get(name, "Succeeded")
        if phase in ("Failed", "Error") and not continues_on(task, phase):
            return phase
    return "Succeeded"


def _followers(tree: Tree, node: Node) -> list[str]:
    """The ids of the nodes that follow a node in the graph.

    For a Retry node these are not its attempts, but the nodes that follow the attempts, and its hooks: the nodes after
    it may be linked to a hook.
    """
    if node.type != "Retry":
        return node.children
    found: list[str] = []
    for child in reversed(list(tree.children(node))):
        found += [child.id] if child.flags.get("hooked") else child.children
    return found
