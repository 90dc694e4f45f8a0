"""Which nodes of a workflow a retry keeps, and which run anew. The local engine and a cluster both decide by it.

`argo retry` starts from failed leaves that have no successful descendant: it leaves a failed deployment alone whose
revert succeeded, and in a DAG it runs the predecessor of a failed task again though it had succeeded (seen on 4.1).
The rule here:

1. A pod or a suspend node that did not succeed runs anew. Inside a template or a Retry node that succeeded all the
   same it is forgiven, and stays. A group that failed although nothing inside it did goes on, and counts as failed.
2. A try of a Retry node that did not succeed runs anew with all inside it; the tries are counted from 0 again.
3. All that comes after what runs anew in the graph runs anew too. A revert that ran because of a failed deployment is
   judged again after the deployment's second try.
4. The workflow's exit handler and its hooks run anew: they speak of the run, not of its steps.
5. Everything else is kept: what succeeded with its outputs, what a condition left out, and the groups around it.
"""

from slipway_workflows.argo.phases import NodeType
from slipway_workflows.argo.stored import StoredNode, StoredWorkflow


def nodes_to_run_anew(workflow: StoredWorkflow) -> frozenset[str]:
    """Ids of the nodes that a retry does not keep. Raises PlatformError where the nodes cannot be read."""
    nodes = workflow.nodes
    linked = {child for node in nodes.values() for child in node.children}
    starts = [
        node.id
        for node in nodes.values()
        if _is_exit_handler(workflow, node)
        or (
            not _is_forgiven(workflow, node)
            and (_failed_itself(workflow, node) or _is_unlinked(workflow, node, linked))
        )
    ]
    anew = _with_all_after(workflow, starts)
    touched = {one.id for key in anew for one in workflow.around(nodes[key])}
    for node in nodes.values():
        failed_group = node.phase.failed and node.type.is_group and node.type is not NodeType.STEP_GROUP
        if failed_group and node.id not in touched and not _is_forgiven(workflow, node):
            anew |= _with_all_after(workflow, _right_after(workflow, node))
    return frozenset(anew)


def _is_exit_handler(workflow: StoredWorkflow, node: StoredNode) -> bool:
    return not node.boundary and node.name.startswith((f"{workflow.name}.onExit", f"{workflow.name}.hooks."))


def _failed_itself(workflow: StoredWorkflow, node: StoredNode) -> bool:
    """Whether it is no group around what failed, but a leaf, or a try, that did not succeed."""
    above = workflow.drawn_under[node.id]
    is_try = above is not None and workflow.nodes[above].type is NodeType.RETRY
    return not node.phase.good and (is_try or not node.type.is_group)


def _is_unlinked(workflow: StoredWorkflow, node: StoredNode, linked: set[str]) -> bool:
    """Whether no edge leads to it: it came after a group without an end, and nobody can tell any more which."""
    return node is not workflow.root and node.id not in linked


def _is_forgiven(workflow: StoredWorkflow, node: StoredNode) -> bool:
    """Whether a template or a Retry node around it has succeeded: that is kept with all inside it.

    A loop does not count, because its items are steps of the template around it.
    """
    return any(one.phase.good for one in workflow.around(node) if one.type is not NodeType.TASK_GROUP)


def _right_after(workflow: StoredWorkflow, group: StoredNode) -> list[str]:
    """What comes after a group, and is not inside it."""
    ends = [group, *(workflow.nodes[key] for key in group.outbound if key in workflow.nodes)]
    after = {child for end in ends for child in end.children if child in workflow.nodes}
    return [key for key in after if all(one.id != group.id for one in workflow.around(workflow.nodes[key]))]


def _with_all_after(workflow: StoredWorkflow, starts: list[str]) -> set[str]:
    found, queue = set(starts), list(starts)
    for one in queue:  # grows while it is walked
        after = [child for child in workflow.nodes[one].children if child in workflow.nodes and child not in found]
        found.update(after)
        queue += after
    return found
