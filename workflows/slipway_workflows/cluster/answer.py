"""Suspend nodes that wait for a person: which they are, what they ask, and the workflow once they are answered.

What is written is what `argo node set` and `argo resume` write (Argo 4.1, workflow/util/util.go).
"""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slipway_steps.domain.errors import Refused

Node = dict[str, Any]


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def waiting(workflow: dict[str, Any]) -> list[Node]:
    """The suspend nodes that wait."""
    nodes = ((workflow.get("status") or {}).get("nodes") or {}).values()
    return [node for node in nodes if node["type"] == "Suspend" and node["phase"] == "Running"]


def asked(node: Node) -> list[str]:
    """Names of the parameters that a waiting node asks for."""
    parameters = (node.get("outputs") or {}).get("parameters") or []
    return [item["name"] for item in parameters if (item.get("valueFrom") or {}).get("supplied") is not None]


def answered(workflow: dict[str, Any], values: Mapping[str, str], who: str, node: str | None = None) -> dict[str, Any]:
    """The workflow with its waiting nodes (or only `node`, by display name or id) answered and resumed.

    Parameters not in `values` get their defaults. Raises Refused where nothing waits, a value is not asked for, or a
    parameter has neither a value nor a default.
    """
    changed = copy.deepcopy(workflow)
    name = changed["metadata"]["name"]
    found = [one for one in waiting(changed) if node in (None, one["displayName"], one["id"])]
    if not found:
        which = f"node {node} of " if node else ""
        raise Refused(f"{which}workflow {name} does not wait for an answer", f"see: slipway get {name} --cluster")
    for one in found:
        unknown = sorted(set(values) - set(asked(one)))
        if unknown:
            raise Refused(
                f"node {one['displayName']} does not ask for {', '.join(unknown)}",
                f"it asks for: {', '.join(asked(one)) or 'nothing'}",
            )
        for item in (one.get("outputs") or {}).get("parameters") or []:
            if item["name"] in asked(one):
                value = values.get(item["name"], item["valueFrom"].get("default"))
                if value is None:
                    raise Refused(f"node {one['displayName']} needs a value for {item['name']}", "answer it: approve")
                item["value"] = value
                del item["valueFrom"]
        said = f"Resumed by: {who}"
        one["phase"], one["finishedAt"] = "Succeeded", now()
        one["message"] = f"{one['message']}; {said}" if one.get("message") else said
    changed["spec"].pop("suspend", None)
    return changed
