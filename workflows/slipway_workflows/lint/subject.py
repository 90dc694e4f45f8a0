"""What a rule examines: a document with its templates and steps, and the documents that it may refer to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_workflows.argo.references import referenced_kind
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping
from slipway_workflows.lint.documents import Document

POD_TYPES = ("container", "script", "resource", "containerSet")
"""The types of templates that run as a pod."""
TAG = re.compile(r"\{\{(=.*?|(?:(?!\{\{).)*?)\}\}", re.DOTALL)
Found = Iterator[tuple[FieldPath, str]]
"""What a rule yields: the path of a field, and what is wrong with it."""


def mutexes(synchronization: Any) -> set[str]:
    """The names of the mutexes in a section `synchronization`, in the form of Argo 4 or in that of Argo 3."""
    sync = mapping(synchronization)
    listed = [*dicts(sync.get("mutexes")), *([sync["mutex"]] if isinstance(sync.get("mutex"), dict) else [])]
    return {str(item.get("name")) for item in listed if item.get("name")}


@dataclass(frozen=True)
class Step:
    """A step or task of a template. body: its map. group: the index of its step group; -1 for a task of a DAG."""

    body: dict[str, Any]
    path: FieldPath
    group: int

    @property
    def name(self) -> str:
        """The name of the step or task; "" where it has none."""
        return str(self.body.get("name") or "")

    @property
    def depends(self) -> str:
        """The field `depends` of a task, or its `dependencies` joined by `&&`."""
        own = self.body.get("dependencies")
        joined = " && ".join(map(str, own)) if isinstance(own, list) else ""
        return str(self.body.get("depends") or joined)


@dataclass(frozen=True)
class Template:
    """A template. body: its map. path: where it is in its document."""

    body: dict[str, Any]
    path: FieldPath

    @property
    def name(self) -> str:
        """The name of the template; "inline" where it has none."""
        return str(self.body.get("name") or "inline")

    @property
    def kind(self) -> str:
        """The type of the template: `steps`, `dag`, `suspend` or one of `POD_TYPES`; "" for any other type."""
        return next((key for key in ("steps", "dag", *POD_TYPES, "suspend") if self.body.get(key) is not None), "")

    @property
    def steps(self) -> list[Step]:
        """The steps or tasks of the template, in order."""
        found = []
        groups = self.body.get("steps")
        for index, group in enumerate(groups if isinstance(groups, list) else []):
            for inner, body in enumerate(group if isinstance(group, list) else [group]):
                if isinstance(body, dict):
                    found.append(Step(body, (*self.path, "steps", index, inner), index))
        tasks = mapping(self.body.get("dag")).get("tasks")
        for index, body in enumerate(tasks if isinstance(tasks, list) else []):
            if isinstance(body, dict):
                found.append(Step(body, (*self.path, "dag", "tasks", index), -1))
        return found

    def main(self) -> tuple[dict[str, Any], FieldPath]:
        """The map of its `container` or `script`, with its path; {} where it has neither."""
        for key in ("container", "script"):
            if isinstance(self.body.get(key), dict):
                return self.body[key], (*self.path, key)
        return {}, self.path


class Subject:
    """A document to lint.

    others: all documents that are linted together, by kind and name.
    """

    def __init__(self, document: Document, others: Mapping[tuple[str, str], "Subject"]) -> None:
        self.document = document
        self.spec = document.spec
        self.others = others
        self.templates = self._templates()
        self.by_name = {template.name: template for template in self.templates}

    def _templates(self) -> list[Template]:
        path = (*self.document.spec_path, "templates")
        listed = self.spec.get("templates")
        queue = [
            Template(body, (*path, index))
            for index, body in enumerate(listed if isinstance(listed, list) else [])
            if isinstance(body, dict)
        ]
        for template in queue:  # the loop itself appends to the queue
            queue += [
                Template(step.body["inline"], (*step.path, "inline"))
                for step in template.steps
                if isinstance(step.body.get("inline"), dict)
            ]
        return queue

    def target(self, body: dict[str, Any]) -> "tuple[Subject, Template] | None":
        """The template that a step calls, and the document that has it; None where it is not in the linted files.

        body: the map of the step.
        """
        if isinstance(body.get("inline"), dict):
            return self, Template(body["inline"], ())
        reference = body.get("templateRef")
        if isinstance(reference, dict):
            kind = referenced_kind(reference)
            other = self.others.get((kind, str(reference.get("name"))))
            found = other.by_name.get(str(reference.get("template"))) if other else None
            return (other, found) if other and found else None
        own = self.by_name.get(str(body.get("template")))
        return (self, own) if own else None
