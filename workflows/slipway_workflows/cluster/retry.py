"""Changes the manifest of a failed Workflow so that the controller runs a part of it again."""

import copy
from collections.abc import Mapping
from typing import Any

from slipway_steps.domain.errors import Refused
from slipway_workflows.argo import NodeType, Phase, StoredWorkflow
from slipway_workflows.argo.parameters import check_names
from slipway_workflows.argo.retry_rule import nodes_to_run_again
from slipway_workflows.argo.times import now

LABELS = ("completed", "workflow-archiving-status")
"""Labels `workflows.argoproj.io/...` that the controller sets on an ended workflow, and then ignores it."""


def retried(workflow: StoredWorkflow, parameters: Mapping[str, str]) -> tuple[dict[str, Any], frozenset[str]]:
    """The changed manifest, and the ids of the nodes that were removed from it because they run again.

    The pods of those nodes have to be deleted before the manifest is written. parameters: new values for arguments.
    Raises Refused where the workflow has not ended or has succeeded, BadInput for a parameter that it does not have.
    """
    if not workflow.phase.failed:
        succeeded = workflow.phase is Phase.SUCCEEDED
        hint = "there is nothing to retry; submit it anew" if succeeded else "wait for its end, or stop it"
        raise Refused(f"workflow {workflow.name} {'has succeeded' if succeeded else f'is {workflow.phase}'}", hint)
    anew = nodes_to_run_again(workflow)
    changed: dict[str, Any] = copy.deepcopy(dict(workflow.manifest))
    labels = changed["metadata"].setdefault("labels", {})
    for label in LABELS:
        labels.pop(f"workflows.argoproj.io/{label}", None)
    labels["workflows.argoproj.io/phase"] = Phase.RUNNING.value
    status = changed["status"]
    conditions = [one for one in status.get("conditions") or [] if one.get("type") != "Completed"]
    status |= {
        "phase": Phase.RUNNING.value,
        "startedAt": now(),
        "nodes": {
            key: _kept_node(dict(entry), anew) for key, entry in workflow.stored_nodes.items() if key not in anew
        },
        "conditions": [*conditions, {"type": "Completed", "status": "False"}],
    }
    for key in ("finishedAt", "message", "persistentVolumeClaims", "compressedNodes"):
        status.pop(key, None)
    stored = status.get("storedWorkflowTemplateSpec")
    for spec in (changed["spec"], *([stored] if stored else [])):
        spec.pop("shutdown", None)
        _set_parameters(workflow.name, spec, parameters)
    return changed, anew


def _set_parameters(name: str, spec: dict[str, Any], parameters: Mapping[str, str]) -> None:
    if not parameters:
        return
    arguments = spec.setdefault("arguments", {})
    before = {item["name"]: item for item in arguments.get("parameters") or []}
    if "templates" in spec or "workflowTemplateRef" not in spec:
        check_names(name, before, parameters)
    given = {key: {"name": key, "value": value} for key, value in parameters.items()}
    arguments["parameters"] = list((before | given).values())


def _kept_node(entry: dict[str, Any], anew: frozenset[str]) -> dict[str, Any]:
    """The entry of a kept node, without references to nodes that run again.

    A group that had not succeeded, or of which a node runs again, is Running again.
    """
    removed = anew & {*(entry.get("children") or []), *(entry.get("outboundNodes") or [])}
    for key in ("children", "outboundNodes"):
        if entry.get(key):
            entry[key] = [one for one in entry[key] if one not in anew]
    if NodeType(entry.get("type", "")).is_group and (removed or not Phase(entry.get("phase", "")).good):
        entry |= {"phase": Phase.RUNNING.value, "startedAt": now()}
        for key in ("finishedAt", "message"):
            entry.pop(key, None)
    return entry
