"""Answers waiting nodes in the manifest of a Workflow, as `argo node set` and `argo resume` of Argo 4.1 do."""

import copy
from collections.abc import Mapping
from typing import Any

from slipway_workflows.argo import Phase, StoredNode, StoredWorkflow
from slipway_workflows.argo.answers import check_answer
from slipway_workflows.argo.times import now


def with_answers(workflow: StoredWorkflow, answers: Mapping[str, Mapping[str, str]], who: str) -> dict[str, Any]:
    """The manifest of the workflow with some waiting nodes answered and resumed.

    answers: node id -> values of its supplied parameters; a parameter without a value gets its default. who: the
    person, written into the message of each node. Raises Refused for a value that a node does not ask for, and where a
    parameter has neither a value nor a default.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(workflow.manifest))
    changed["spec"].pop("suspend", None)
    nodes = copy.deepcopy(dict(workflow.stored_nodes))
    for key, values in answers.items():
        nodes[key] = _resumed(nodes[key], workflow.nodes[key], values, who)
    rest = {field: value for field, value in workflow.status.items() if field != "compressedNodes"}
    return {**changed, "status": {**rest, "nodes": nodes}}


def _resumed(entry: dict[str, Any], node: StoredNode, values: Mapping[str, str], who: str) -> dict[str, Any]:
    check_answer(node, values)
    for item in (entry.get("outputs") or {}).get("parameters") or []:
        if item["name"] in node.asks_for:
            item["value"] = values.get(item["name"], item["valueFrom"].get("default", item.get("value")))
            del item["valueFrom"]
    said = f"Resumed by: {who}"
    message = f"{node.message}; {said}" if node.message else said
    return {**entry, "phase": Phase.SUCCEEDED.value, "finishedAt": now(), "message": message}
