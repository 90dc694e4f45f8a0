"""YAML files as objects with the line of every field."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput
from slipway_workflows.engine.manifests.yaml_reader import read_documents

Place = tuple[str | int, ...]
"""Where a value stands in its object: keys and indexes from the top."""
WORKFLOWS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")


@dataclass
class Document:
    """One object of a file. `spec`: its workflow spec and where that stands, where it has one."""

    file: Path
    manifest: dict[str, Any]
    lines: dict[Place, int] = field(default_factory=dict)
    spec_place: Place = ("spec",)
    kind: str = ""

    @property
    def name(self) -> str:
        """Its name, or the beginning of the name it will get."""
        metadata = self.manifest.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return str(metadata.get("name") or metadata.get("generateName") or "")

    @property
    def spec(self) -> dict[str, Any]:
        """The workflow spec; empty where there is none."""
        found: Any = self.manifest
        for key in self.spec_place:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(path: Path) -> list[Document]:
    """The objects of a file that hold workflows. Raises BadInput where it cannot be read or is no YAML."""
    try:
        objects = list(read_documents(path))
        roots = [node for node in yaml.compose_all(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader) if node]
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is no YAML: {error}", "correct it") from error
    by_line = {node.start_mark.line + 1: node for node in roots}
    found = []
    for manifest, line in objects:
        document = Document(path, manifest, kind=str(manifest["kind"]))
        if line in by_line:
            document.lines = dict(_lines(by_line[line], ()))
        if document.kind in WORKFLOWS:
            if document.kind == "CronWorkflow":
                document.spec_place = ("spec", "workflowSpec")
            found.append(document)
        elif document.kind == "Sensor":
            found += _triggered(document)
    return found


def _triggered(sensor: Document) -> Iterator[Document]:
    """The workflows that a Sensor's triggers create."""
    spec = sensor.manifest.get("spec")
    triggers = spec.get("triggers") if isinstance(spec, dict) else None
    for index, trigger in enumerate(triggers if isinstance(triggers, list) else []):
        template = trigger.get("template") if isinstance(trigger, dict) else None
        for key in ("k8s", "argoWorkflow"):
            source = template.get(key) if isinstance(template, dict) else None
            inner = source.get("source") if isinstance(source, dict) else None
            resource = inner.get("resource") if isinstance(inner, dict) else None
            if isinstance(resource, dict) and resource.get("kind") in WORKFLOWS:
                place = ("spec", "triggers", index, "template", key, "source", "resource")
                lines = {at[len(place) :]: line for at, line in sensor.lines.items() if at[: len(place)] == place}
                yield Document(sensor.file, resource, lines, kind=str(resource["kind"]))


def _lines(node: yaml.Node, place: Place, seen: int = 0) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if seen > 60:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield from _lines(value, (*place, key.value), seen + 1)
                yield (*place, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*place, index), seen + 1)


def files_of(paths: list[Path]) -> list[Path]:
    """The YAML files of paths; a directory means those in it and below. Raises BadInput for one that is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for pattern in ("*.yaml", "*.yml") for file in path.rglob(pattern))
        elif path.exists():
            found.append(path)
        else:
            raise BadInput(f"{path} does not exist", "give YAML files or directories")
    return list(dict.fromkeys(found))
