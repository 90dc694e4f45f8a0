"""Reads the workflows in YAML files, with the line number of every field."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput
from slipway_workflows.engine.manifests.yaml_reader import read_documents
from slipway_workflows.findings.lines import FieldPath, lines_of, nearest_line

WORKFLOWS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")


@dataclass
class Document:
    """One object of a file.

    lines: line number (from 1) of each field by its path. spec_path: where the spec of the workflow is in it.
    """

    file: Path
    manifest: dict[str, Any]
    lines: dict[FieldPath, int] = field(default_factory=dict)
    spec_path: FieldPath = ("spec",)
    kind: str = ""

    @property
    def name(self) -> str:
        """The name of the object, or its `generateName`; "" where it has neither."""
        metadata = self.manifest.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return str(metadata.get("name") or metadata.get("generateName") or "")

    @property
    def spec(self) -> dict[str, Any]:
        """The spec of the workflow; {} where there is none."""
        found: Any = self.manifest
        for key in self.spec_path:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def line(self, path: FieldPath) -> int:
        """The line number of a field, or of the nearest field around it whose line is known."""
        return nearest_line(self.lines, path)


def read(file: Path) -> list[Document]:
    """The workflows in a file, also those that a Sensor creates.

    Raises BadInput where the file cannot be read or is no YAML.
    """
    try:
        objects = list(read_documents(file))
        roots = [node for node in yaml.compose_all(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader) if node]
    except yaml.YAMLError as error:
        raise BadInput(f"{file} is not valid YAML: {error}", "correct it") from error
    by_line = {node.start_mark.line + 1: node for node in roots}
    found = []
    for manifest, line in objects:
        document = Document(file, manifest, kind=str(manifest["kind"]))
        if line in by_line:
            document.lines = dict(lines_of(by_line[line]))
        if document.kind in WORKFLOWS:
            if document.kind == "CronWorkflow":
                document.spec_path = ("spec", "workflowSpec")
            found.append(document)
        elif document.kind == "Sensor":
            found += _triggered(document)
    return found


def _triggered(sensor: Document) -> Iterator[Document]:
    """The workflows that the triggers of a Sensor create."""
    spec = sensor.manifest.get("spec")
    triggers = spec.get("triggers") if isinstance(spec, dict) else None
    for index, trigger in enumerate(triggers if isinstance(triggers, list) else []):
        template = trigger.get("template") if isinstance(trigger, dict) else None
        for key in ("k8s", "argoWorkflow"):
            source = template.get(key) if isinstance(template, dict) else None
            inner = source.get("source") if isinstance(source, dict) else None
            resource = inner.get("resource") if isinstance(inner, dict) else None
            if isinstance(resource, dict) and resource.get("kind") in WORKFLOWS:
                path = ("spec", "triggers", index, "template", key, "source", "resource")
                lines = {at[len(path) :]: line for at, line in sensor.lines.items() if at[: len(path)] == path}
                yield Document(sensor.file, resource, lines, kind=str(resource["kind"]))


def files_of(paths: list[Path]) -> list[Path]:
    """The YAML files of `paths`, where a directory stands for all YAML files in and below it.

    Raises BadInput for a path that does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for pattern in ("*.yaml", "*.yml") for file in path.rglob(pattern))
        elif path.exists():
            found.append(path)
        else:
            raise BadInput(f"{path} does not exist", "give YAML files or directories")
    return list(dict.fromkeys(found))
