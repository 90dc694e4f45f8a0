"""The nodes of a workflow, as Argo keeps them in `status.nodes`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FULFILLED = {"Succeeded", "Skipped", "Failed", "Error", "Omitted"}
FAILED = {"Failed", "Error"}


def now() -> str:
    """The time as Kubernetes writes it, with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def node_id(workflow: str, name: str) -> str:
    """Argo's id of a node: the workflow's name and the FNV-1a hash of the node's."""
    if name == workflow:
        return workflow
    found = 0x811C9DC5
    for byte in name.encode():
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return f"{workflow}-{found}"


@dataclass
class Node:
    """One node, with Argo's fields. `parent`: where it is shown; `defaults`: what a skipped one's outputs read as."""

    id: str
    name: str
    display_name: str
    type: str
    template_name: str = ""
    template_ref: dict[str, Any] | None = None
    scope: str = ""
    boundary: str = ""
    parent: str | None = None
    phase: str = "Running"
    message: str = ""
    started: str = field(default_factory=now)
    finished: str | None = None
    children: list[str] = field(default_factory=list)
    outbound: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    exit_code: int | None = None
    log: Path | None = None

    @property
    def failed(self) -> bool:
        """Failed or Error."""
        return self.phase in FAILED

    def as_argo(self) -> dict[str, Any]:
        """As it stands in `status.nodes`."""
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "displayName": self.display_name,
            "type": self.type,
            "templateName": self.template_name or None,
            "templateRef": self.template_ref,
            "templateScope": self.scope or None,
            "phase": self.phase,
            "boundaryID": self.boundary or None,
            "message": self.message or None,
            "startedAt": self.started,
            "finishedAt": self.finished,
            "children": list(self.children) or None,
            "outboundNodes": self.outbound or None,
        }
        if self.inputs:
            found["inputs"] = {"parameters": [{"name": k, "value": v} for k, v in self.inputs.items()]}
        outputs: dict[str, Any] = {}
        if self.outputs:
            outputs["parameters"] = [{"name": k, "value": v} for k, v in self.outputs.items()]
        if self.result is not None:
            outputs["result"] = self.result
        if self.exit_code is not None:
            outputs["exitCode"] = str(self.exit_code)
        return {k: v for k, v in found.items() if v is not None} | ({"outputs": outputs} if outputs else {})


@dataclass(frozen=True)
class Event:
    """A node as it is now, for whoever shows it. `path` names it from the root; `log` is the file of its output."""

    node_id: str
    display_name: str
    path: str
    parent: str | None
    type: str
    phase: str
    message: str
    started: str | None
    finished: str | None
    log: Path | None
