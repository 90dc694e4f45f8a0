"""The workflow that goes on where another one failed: what had succeeded stays.

`argo retry` starts from failed leaves that have no successful descendant, and in a DAG runs again what had succeeded
(seen on 4.1). Here one rule decides, the local engine's: a failed leaf runs again, and all that comes after it.
"""

import copy
from collections.abc import Mapping
from typing import Any

from slipway_steps.domain.errors import BadInput, Refused
from slipway_workflows.cluster.answer import now

GROUPS = {"DAG", "Steps", "StepGroup", "TaskGroup", "Retry"}
OVER = {"Succeeded", "Skipped", "Omitted"}
LABELS = ("completed", "workflow-archiving-status")


def retried(workflow: dict[str, Any], parameters: Mapping[str, str]) -> tuple[dict[str, Any], set[str]]:
    """The workflow as the controller has to find it, and the ids of the nodes that are gone: delete their pods first.

    Raises Refused where it has not ended or has succeeded, BadInput for a parameter it does not have.
    """
    name, status = workflow["metadata"]["name"], workflow.get("status") or {}
    phase = status.get("phase") or "Pending"
    if phase not in ("Failed", "Error"):
        hint = "there is nothing to retry; submit it anew" if phase == "Succeeded" else "wait for its end, or stop it"
        raise Refused(f"workflow {name} is {phase}", hint)
    changed = copy.deepcopy(workflow)
    nodes: dict[str, dict[str, Any]] = status.get("nodes") or {}
    gone = _gone(name, nodes)
    kept = {key: _kept(node, gone) for key, node in copy.deepcopy(nodes).items() if key not in gone}
    labels = changed["metadata"].setdefault("labels", {})
    for label in LABELS:
        labels.pop(f"workflows.argoproj.io/{label}", None)
    labels["workflows.argoproj.io/phase"] = "Running"
    conditions = [one for one in status.get("conditions") or [] if one.get("type") != "Completed"]
    changed["status"] |= {
        "phase": "Running",
        "startedAt": now(),
        "nodes": kept,
        "conditions": [*conditions, {"type": "Completed", "status": "False"}],
    }
    for key in ("finishedAt", "message", "persistentVolumeClaims"):
        changed["status"].pop(key, None)
    stored = changed["status"].get("storedWorkflowTemplateSpec")
    for spec in (changed["spec"], *([stored] if stored else [])):
        spec.pop("shutdown", None)
        _set(name, spec, parameters)
    return changed, gone


def _set(name: str, spec: dict[str, Any], parameters: Mapping[str, str]) -> None:
    if not parameters:
        return
    arguments = spec.setdefault("arguments", {})
    before = {item["name"]: item for item in arguments.get("parameters") or []}
    if "templates" in spec or "workflowTemplateRef" not in spec:
        unknown = sorted(set(parameters) - set(before))
        if unknown:
            raise BadInput(f"{name} has no parameter {', '.join(unknown)}", f"known: {', '.join(before) or 'none'}")
    given = {key: {"name": key, "value": value} for key, value in parameters.items()}
    arguments["parameters"] = list((before | given).values())


def _gone(name: str, nodes: Mapping[str, dict[str, Any]]) -> set[str]:
    """Failed leaves, the exit handlers, and all that comes after either in the graph."""
    queue = [
        key
        for key, node in nodes.items()
        if node["name"].startswith(f"{name}.onExit")
        or (node["type"] not in GROUPS and node.get("phase") not in OVER and not _forgiven(node, nodes))
    ]
    found = set(queue)
    for key in queue:  # grows while it is walked
        after = [child for child in nodes[key].get("children") or [] if child in nodes]
        queue += [child for child in after if child not in found]
        found |= set(after)
    return found


def _forgiven(node: dict[str, Any], nodes: Mapping[str, dict[str, Any]]) -> bool:
    """Whether something around a failed leaf has succeeded all the same: it is taken with all that is inside it."""
    around = nodes.get(node.get("boundaryID", ""))
    tried = [one for one in nodes.values() if one["type"] == "Retry" and node["id"] in (one.get("children") or [])]
    outer = [*tried, *([around] if around else [])]
    return any(one.get("phase") == "Succeeded" or _forgiven(one, nodes) for one in outer)


def _kept(node: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    """A node without what is gone; a group that had not succeeded, or has lost something, runs on."""
    lost = gone & {*(node.get("children") or []), *(node.get("outboundNodes") or [])}
    for key in ("children", "outboundNodes"):
        if node.get(key):
            node[key] = [one for one in node[key] if one not in gone]
    if node["type"] in GROUPS and (lost or node.get("phase") not in OVER):
        node["phase"], node["startedAt"] = "Running", now()
        for key in ("finishedAt", "message"):
            node.pop(key, None)
    return node
