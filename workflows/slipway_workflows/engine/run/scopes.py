"""The names that tags and expressions can read: those of the workflow, and the outputs of finished steps and tasks."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway_workflows.argo.times import time_text
from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.texts import encode
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node

Artifact = dict[str, Any]
TIME_FORMATS = "aAbBcdfHIjmMpSUwWxXyYzZ"
"""Letters of strftime that may follow `workflow.creationTimestamp.`."""


@dataclass
class Scope:
    """The outputs of steps or tasks that a template's text can read."""

    values: dict[str, str | None] = field(default_factory=dict)
    """Values by dotted name, such as `steps.a.outputs.result`; None is an output that is absent: its node was skipped,
    and it has no default."""
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    """Artifacts by dotted name, such as `steps.a.outputs.artifacts.model`."""

    def add_node(self, prefix: str, node: Node, template: Template | None) -> None:
        """Add what a finished node offers. `prefix`: `steps.<name>` or `tasks.<name>`.

        `template`: for a node that was skipped or omitted, the template whose output parameters have defaults.
        """
        self.values.update({f"{prefix}.id": node.id, f"{prefix}.status": node.phase})
        self.values.update({f"{prefix}.startedAt": node.started, f"{prefix}.finishedAt": node.finished})
        outputs = node.outputs
        if node.phase in ("Skipped", "Omitted") and template is not None:
            outputs = {}
            for declared in (template.get("outputs") or {}).get("parameters") or []:
                default = (declared.get("valueFrom") or {}).get("default", declared.get("default"))
                self.values[f"{prefix}.outputs.parameters.{declared['name']}"] = default
        for key in ("result", "exitCode"):
            if outputs.get(key) is not None:
                self.values[f"{prefix}.outputs.{key}" if key == "result" else f"{prefix}.{key}"] = outputs[key]
        for parameter in outputs.get("parameters") or []:
            if parameter.get("value") is not None:
                self.values[f"{prefix}.outputs.parameters.{parameter['name']}"] = parameter["value"]
        for artifact in outputs.get("artifacts") or []:
            self.artifacts[f"{prefix}.outputs.artifacts.{artifact['name']}"] = artifact

    def add_loop(self, prefix: str, nodes: Iterable[Node], phase: str) -> None:
        """Add what a loop offers: JSON lists of the outputs of the items that succeeded, in the order of the items.

        `prefix`: `steps.<name>` or `tasks.<name>`. `phase`: of the loop as a whole.
        """
        self.values[f"{prefix}.status"] = phase
        good = [node for node in nodes if node.phase == "Succeeded"]
        rows: list[dict[str, str]] = []
        columns: dict[str, list[str]] = {}
        results: list[str] = []
        for node in good:
            if node.outputs.get("result") is not None:
                results.append(node.outputs["result"])
            row = {p["name"]: p["value"] for p in node.outputs.get("parameters") or [] if p.get("value") is not None}
            if row:
                rows.append(row)
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        if results:
            self.values[f"{prefix}.outputs.result"] = encode([_parsed(text, scalars=True) for text in results])
        if rows:
            self.values[f"{prefix}.outputs.parameters"] = encode(rows)
        for name, values in columns.items():
            self.values[f"{prefix}.outputs.parameters.{name}"] = encode([_parsed(text) for text in values])

    def add_inputs(self, template: Template) -> None:
        """Add the input artifacts of the template itself, as `inputs.artifacts.<name>`."""
        for artifact in (template.get("inputs") or {}).get("artifacts") or []:
            self.artifacts[f"inputs.artifacts.{artifact['name']}"] = artifact

    def artifact(self, reference: str) -> Artifact:
        """The artifact that a tag like `{{steps.a.outputs.artifacts.x}}` names. Raises NodeError if it is unknown."""
        name = reference.strip().removeprefix("{{").removesuffix("}}").strip()
        if name not in self.artifacts:
            raise NodeError(f"Unable to resolve: {reference}")
        return self.artifacts[name]


def _parsed(text: str, scalars: bool = False) -> Any:
    """One output of a loop's item, as it is written into the JSON list of all of them.

    A text that is a JSON list or object becomes one. Other JSON, such as a number, only does so with `scalars`, which
    is for results; any other text stays a text.
    """
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if scalars or isinstance(value, list | dict) else text


def workflow_globals(metadata: dict[str, Any], spec: dict[str, Any], created: datetime) -> dict[str, str | None]:
    """The names `workflow.*` that a workflow begins with, and their values.

    `metadata`, `spec`: of the Workflow, its spec merged. `created`: its creation time.
    """
    parameters = (spec.get("arguments") or {}).get("parameters") or []
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    encoded = encode([{key: p[key] for key in ("name", "value") if key in p} for p in parameters])
    found: dict[str, str | None] = {
        "workflow.name": metadata["name"],
        "workflow.namespace": metadata.get("namespace", "default"),
        "workflow.uid": metadata["uid"],
        "workflow.mainEntrypoint": str(spec.get("entrypoint", "")),
        "workflow.serviceAccountName": str(spec.get("serviceAccountName", "")),
        "workflow.creationTimestamp": time_text(created),
        "workflow.creationTimestamp.s": str(int(created.timestamp())),
        "workflow.creationTimestamp.RFC3339": time_text(created),
        "workflow.parameters": encoded,
        "workflow.parameters.json": encoded,
        "workflow.labels": encode(labels),
        "workflow.labels.json": encode(labels),
        "workflow.annotations": encode(annotations),
        "workflow.annotations.json": encode(annotations),
    }
    if spec.get("priority") is not None:
        found["workflow.priority"] = str(spec["priority"])
    if "workflows.argoproj.io/scheduled-time" in annotations:
        found["workflow.scheduledTime"] = annotations["workflows.argoproj.io/scheduled-time"]
    for letter in TIME_FORMATS:
        found[f"workflow.creationTimestamp.{letter}"] = created.strftime(f"%{letter}")
    for kind, pairs in (("labels", labels), ("annotations", annotations)):
        found |= {f"workflow.{kind}.{key}": str(value) for key, value in pairs.items()}
    return found | {f"workflow.parameters.{p['name']}": p["value"] for p in parameters if p.get("value") is not None}
