"""The log of a step's pod: which lines are the step's own, and whether there can be any yet."""

import re
from typing import Any

from slipway_workflows.argo import StoredNode

MAIN = "main"
"""The container of a step's pod that runs the step."""
ARCHIVED = f"{MAIN}-logs"
"""The output artifact in which Argo archives the log of that container."""
OF_ARGO = re.compile(r'time=\S+ level=\S+ .*\bargo=true\b|\{.*"argo": ?true\b')
"""How Argo's executor, which runs inside of the step's container, logs its own doings: as text or as JSON."""


def own_lines(text: str) -> str:
    """The log without the lines of Argo's executor."""
    return "".join(line for line in text.splitlines(keepends=True) if not OF_ARGO.match(line))


def archived_as(node: StoredNode) -> str | None:
    """The key of the node's archived log in the artifact store, for people; None where it was not archived."""
    for artifact in node.outputs.get("artifacts") or []:
        if isinstance(artifact, dict) and artifact.get("name") == ARCHIVED:
            return str((artifact.get("s3") or {}).get("key") or ARCHIVED)
    return None


def why_not_started(pod: dict[str, Any]) -> str:
    """What the step's container waits for; "" where it has started."""
    status = pod.get("status") or {}
    main: dict[str, Any] = next((one for one in status.get("containerStatuses") or [] if one.get("name") == MAIN), {})
    state = main.get("state") or {}
    if "running" in state or "terminated" in state or main.get("lastState"):
        return ""
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}"
    waits = state.get("waiting") or {}
    if waits or status.get("phase") == "Pending":
        return ": ".join(str(waits[key]) for key in ("reason", "message") if waits.get(key)) or "Pending"
    return ""
