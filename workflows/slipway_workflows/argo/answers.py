"""Answers of a person to waiting Suspend nodes: which nodes an answer is for, and which values they get."""

from collections.abc import Mapping

from slipway_steps.domain.approval import DECISION, NO
from slipway_steps.domain.errors import Refused
from slipway_workflows.argo.stored import StoredWorkflow
from slipway_workflows.argo.stored_node import StoredNode


def waiting_nodes(workflow: StoredWorkflow, node: str | None = None) -> list[StoredNode]:
    """The nodes that wait for an answer, or only the one with the id, name or display name `node`.

    Raises Refused where no such node waits.
    """
    found = [one for one in workflow.waiting if node is None or one.is_called(node)]
    if not found:
        which = f"node {node} of " if node else ""
        known = ", ".join(one.display_name for one in workflow.waiting)
        raise Refused(
            f"{which}workflow {workflow.name} does not wait for an answer",
            f"nodes that wait: {known}" if known else "show its nodes: slipway get NAME",
        )
    return found


def answers(workflow: StoredWorkflow, word: str) -> dict[str, dict[str, str]]:
    """The values of every waiting node, by node id: `word` for its parameter `decision`, or else for its first one.

    A node without supplied parameters gets no values and is only resumed. Raises Refused where no node waits. Raises
    it also for the word `reject` where a node has no supplied parameters: resuming it would not reject anything.
    """
    found = {}
    for node in waiting_nodes(workflow):
        asked = node.asks_for
        if not asked and word == NO:
            raise Refused(
                f"node {node.display_name} of {workflow.name} takes no answer; it can only be resumed",
                "stop the workflow instead: slipway stop NAME",
            )
        found[node.id] = {DECISION if DECISION in asked else asked[0]: word} if asked else {}
    return found


def check_answer(node: StoredNode, values: Mapping[str, str]) -> None:
    """Check that a person answers all that `node` asks for without a default, and nothing else. Raises Refused."""
    unknown = sorted(set(values) - set(node.asks_for))
    if unknown:
        raise Refused(
            f"node {node.display_name} does not ask for {', '.join(unknown)}",
            f"it asks for: {', '.join(node.asks_for) or 'nothing'}",
        )
    for name in node.asks_for_without_default:
        if name not in values:
            raise Refused(f"node {node.display_name} needs a value for {name}", "answer it: approve or reject")
