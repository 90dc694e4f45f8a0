"""Which nodes of a workflow an answer is for, and what values they get."""

from collections.abc import Mapping

from slipway_steps.domain.errors import Refused
from slipway_workflows.argo.stored import StoredNode, StoredWorkflow


def waiting_nodes(workflow: StoredWorkflow, node: str | None = None) -> list[StoredNode]:
    """The nodes that wait for an answer, or only `node`, by id or display name. Raises Refused where none does."""
    found = [one for one in workflow.waiting if node is None or one.is_called(node)]
    if not found:
        which = f"node {node} of " if node else ""
        known = ", ".join(one.display_name for one in workflow.waiting)
        raise Refused(
            f"{which}workflow {workflow.name} does not wait for an answer",
            f"nodes that wait: {known}" if known else "see what it does: slipway get",
        )
    return found


def answers(workflow: StoredWorkflow, word: str) -> dict[str, dict[str, str]]:
    """Node id -> values, for every node that waits: `word` for its parameter `decision`, or else for its first one.

    A node that asks for nothing is only resumed. Raises Refused where no node waits, and where a node that asks for
    nothing would have to take a `reject`: that would let it go on.
    """
    found = {}
    for node in waiting_nodes(workflow):
        asked = node.asks_for
        if not asked and word == "reject":
            raise Refused(
                f"node {node.display_name} of {workflow.name} takes no answer; it can only be resumed",
                "stop the workflow instead: slipway stop",
            )
        found[node.id] = {"decision" if "decision" in asked else asked[0]: word} if asked else {}
    return found


def check_answer(node: StoredNode, values: Mapping[str, str]) -> None:
    """Raises Refused for a value that the node does not ask for."""
    unknown = sorted(set(values) - set(node.asks_for))
    if unknown:
        raise Refused(
            f"node {node.display_name} does not ask for {', '.join(unknown)}",
            f"it asks for: {', '.join(node.asks_for) or 'nothing'}",
        )
