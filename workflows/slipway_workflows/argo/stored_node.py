"""A node of a stored Workflow as typed values. A field that is missing reads as empty or None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway_steps.domain.approval import DECISION, Approval, approval
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.times import parse_time

Manifest = Mapping[str, Any]


def parameter_values(section: Manifest | None) -> dict[str, str]:
    """The values of the parameters in a section `inputs`, `outputs` or `arguments`, by name.

    A parameter that has no value yet is left out.
    """
    items = (section or {}).get("parameters") or []
    return {str(item["name"]): str(item["value"]) for item in items if item.get("value") is not None}


@dataclass(frozen=True, slots=True)
class StoredNode:
    """One entry of `status.nodes`.

    boundary: Argo's `boundaryID`, the id of the node whose template this node is a step of; "" at the top. outbound:
    Argo's `outboundNodes`, the ids of the last nodes inside a group. flags: Argo's `nodeFlag`, such as `hooked`.
    """

    id: str
    name: str
    display_name: str
    type: NodeType
    phase: Phase
    message: str = ""
    template_name: str = ""
    template_ref: Manifest | None = None
    template_scope: str = ""
    boundary: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    children: tuple[str, ...] = ()
    outbound: tuple[str, ...] = ()
    inputs: Manifest = field(default_factory=dict)
    outputs: Manifest = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)

    @property
    def waits_for_answer(self) -> bool:
        """Whether this is a Suspend node that waits until somebody resumes it."""
        return self.type is NodeType.SUSPEND and self.phase is Phase.RUNNING

    @property
    def asks_for(self) -> list[str]:
        """Names of its output parameters whose values a person supplies (`valueFrom.supplied`)."""
        return [item["name"] for item in self._outputs if (item.get("valueFrom") or {}).get("supplied") is not None]

    @property
    def asks_for_without_default(self) -> list[str]:
        """Those of `asks_for` without which the node cannot go on."""
        return [
            item["name"]
            for item in self._outputs
            if item["name"] in self.asks_for and item["valueFrom"].get("default", item.get("value")) is None
        ]

    @property
    def approval(self) -> Approval | None:
        """What became of the question, for a node that asked a person for a decision; None for any other node, and as
        long as nobody has answered.
        """
        if self.type is not NodeType.SUSPEND or DECISION not in (item["name"] for item in self._outputs):
            return None
        return approval(self.message, parameter_values(self.outputs).get(DECISION) if self.phase.good else None)

    @property
    def message_for_people(self) -> str:
        """Argo's message; for a node that asked a person, first what became of the question."""
        return "; ".join(text for text in (self.approval or "", self.message) if text)

    @property
    def _outputs(self) -> list[Manifest]:
        return self.outputs.get("parameters") or []

    def is_called(self, name: str, *others: str) -> bool:
        """Whether `name` is its id, its name, its display name or one of `others`."""
        return name in (self.id, self.name, self.display_name, *others)


_FORMS: Mapping[str, type] = {"message": str, "children": list, "outboundNodes": list, "inputs": dict, "outputs": dict}


def read_node(key: str, entry: Manifest) -> StoredNode:
    """Read a node from its entry in `status.nodes`, where `key` is its id. Missing fields become empty or None.

    Raises TypeError where the entry is not in the form that Argo writes.
    """
    get = entry.get
    for name, form in _FORMS.items():
        if not isinstance(get(name) or form(), form):
            raise TypeError(f"{name} of node {key} is a {type(get(name)).__name__}")
    for side in ("inputs", "outputs"):
        for item in (get(side) or {}).get("parameters") or []:
            if not isinstance(item, dict) or "name" not in item or not isinstance(item.get("valueFrom") or {}, dict):
                raise TypeError(f"a parameter in {side} of node {key} is no map with a name")
    name = str(get("name") or key)
    reference = get("templateRef")
    return StoredNode(
        id=key,
        name=name,
        display_name=str(get("displayName") or name),
        type=NodeType(get("type", "")),
        phase=Phase(get("phase", "")),
        message=get("message") or "",
        template_name=str(get("templateName") or ""),
        template_ref=reference,
        template_scope=get("templateScope") or "",
        boundary=get("boundaryID") or "",
        started=parse_time(get("startedAt")),
        finished=parse_time(get("finishedAt")),
        children=tuple(get("children") or ()),
        outbound=tuple(get("outboundNodes") or ()),
        inputs=get("inputs") or {},
        outputs=get("outputs") or {},
        flags=get("nodeFlag") or {},
    )
