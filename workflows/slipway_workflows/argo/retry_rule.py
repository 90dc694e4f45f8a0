"""The rule of a retry: which nodes of a workflow are kept, and which run again. It is the same here and on a cluster.

`argo retry` (seen on 4.1) starts from failed pods that have no successful descendant. So it does not run a failed
deployment again whose revert succeeded. In a DAG it runs the predecessor of a failed task again although that one had
succeeded. The rule here is another one:

1. A pod or a Suspend node that did not succeed runs again. It is kept if a template or a Retry node around it
   succeeded in spite of it. A group that failed although no node inside it failed is continued, and what comes after
   it runs again.
2. A failed attempt of a Retry node runs again with all nodes inside it; its attempts are counted from 0 again.
3. Every node that comes after a node that runs again runs again too. So the conditions of a revert, which ran because
   of a failed deployment, are evaluated again after the deployment has run again.
4. The exit handler of the workflow and its hooks run again, because they depend on how the whole run ends.
5. All other nodes are kept: those that succeeded with their outputs, those that a condition left out, and the groups
   around them.
"""

from slipway_workflows.argo.phases import NodeType
from slipway_workflows.argo.stored import StoredWorkflow
from slipway_workflows.argo.stored_node import StoredNode


def nodes_to_run_again(workflow: StoredWorkflow) -> frozenset[str]:
    """Ids of the nodes that a retry runs again and does not keep.

    Raises PlatformError where the nodes cannot be read, BadInput where they are not in Argo's form.
    """
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
    touched = {one.id for key in anew for one in workflow.ancestors(nodes[key])}
    for node in nodes.values():
        failed_group = node.phase.failed and node.type.is_group and node.type is not NodeType.STEP_GROUP
        if failed_group and node.id not in touched and not _is_forgiven(workflow, node):
            anew |= _with_all_after(workflow, _right_after(workflow, node))
    return frozenset(anew)


def _is_exit_handler(workflow: StoredWorkflow, node: StoredNode) -> bool:
    return not node.boundary and node.name.startswith((f"{workflow.name}.onExit", f"{workflow.name}.hooks."))


def _failed_itself(workflow: StoredWorkflow, node: StoredNode) -> bool:
    """Whether the failure is that of the node itself: an attempt, or no group, that did not succeed."""
    parent = workflow.display_parents[node.id]
    is_attempt = parent is not None and workflow.nodes[parent].type is NodeType.RETRY
    return not node.phase.good and (is_attempt or not node.type.is_group)


def _is_unlinked(workflow: StoredWorkflow, node: StoredNode, linked: set[str]) -> bool:
    """Whether no edge leads to the node. That is so after a group without an end; which group it was is not stored."""
    return node is not workflow.root and node.id not in linked


def _is_forgiven(workflow: StoredWorkflow, node: StoredNode) -> bool:
    """Whether a template or a Retry node around the node has succeeded; then that is kept with all nodes inside it.

    A loop does not count, because its items are steps of the template around it.
    """
    return any(one.phase.good for one in workflow.ancestors(node) if one.type is not NodeType.TASK_GROUP)


def _right_after(workflow: StoredWorkflow, group: StoredNode) -> list[str]:
    """Ids of the nodes that come next after a group, and are not inside it."""
    ends = [group, *(workflow.nodes[key] for key in group.outbound if key in workflow.nodes)]
    after = {child for end in ends for child in end.children if child in workflow.nodes}
    return [key for key in after if all(one.id != group.id for one in workflow.ancestors(workflow.nodes[key]))]


def _with_all_after(workflow: StoredWorkflow, starts: list[str]) -> set[str]:
    """`starts` and every node that comes after one of them in the graph."""
    found, queue = set(starts), list(starts)
    for one in queue:  # the loop itself appends to the queue
        after = [child for child in workflow.nodes[one].children if child in workflow.nodes and child not in found]
        found.update(after)
        queue += after
    return found
