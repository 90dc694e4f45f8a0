"""What a rule looks at: one document, its templates and steps, and the documents it may refer to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_workflows.lint.documents import Document, Place

LEAVES = ("container", "script", "resource", "containerSet")
TAG = re.compile(r"\{\{(=.*?|(?:(?!\{\{).)*?)\}\}", re.DOTALL)
Found = Iterator[tuple[Place, str]]
"""What a rule gives: places and what is wrong there."""


def dicts(value: Any) -> list[dict[str, Any]]:
    """The maps of a list; nothing of anything else, so that a rule need not fear what people write."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """A map, or an empty one."""
    return value if isinstance(value, dict) else {}


def strings(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """All strings inside a value, with their places."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, (*place, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, (*place, index))


@dataclass(frozen=True)
class Step:
    """A step or task. `group`: the index of its group in a steps template, -1 in a DAG."""

    holder: dict[str, Any]
    place: Place
    group: int

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.holder.get("name") or "")

    @property
    def depends(self) -> str:
        """Its `depends`, or its dependencies joined by `&&`."""
        own = self.holder.get("dependencies")
        joined = " && ".join(map(str, own)) if isinstance(own, list) else ""
        return str(self.holder.get("depends") or joined)


@dataclass(frozen=True)
class Template:
    """A template and where it stands."""

    body: dict[str, Any]
    place: Place

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body.get("name") or "inline")

    @property
    def kind(self) -> str:
        """`steps`, `dag`, a leaf's type, or something else."""
        return next((key for key in ("steps", "dag", *LEAVES, "suspend") if self.body.get(key) is not None), "")

    @property
    def steps(self) -> list[Step]:
        """Its steps or tasks, in order."""
        found = []
        groups = self.body.get("steps")
        for index, group in enumerate(groups if isinstance(groups, list) else []):
            for inner, holder in enumerate(group if isinstance(group, list) else [group]):
                if isinstance(holder, dict):
                    found.append(Step(holder, (*self.place, "steps", index, inner), index))
        tasks = mapping(self.body.get("dag")).get("tasks")
        for index, holder in enumerate(tasks if isinstance(tasks, list) else []):
            if isinstance(holder, dict):
                found.append(Step(holder, (*self.place, "dag", "tasks", index), -1))
        return found

    def main(self) -> tuple[dict[str, Any], Place]:
        """The container or script, and where it stands."""
        for key in ("container", "script"):
            if isinstance(self.body.get(key), dict):
                return self.body[key], (*self.place, key)
        return {}, self.place


class Subject:
    """One document among those that are linted together."""

    def __init__(self, document: Document, others: Mapping[tuple[str, str], "Subject"]) -> None:
        self.document = document
        self.spec = document.spec
        self.others = others
        self.templates = self._templates()
        self.by_name = {template.name: template for template in self.templates}

    def _templates(self) -> list[Template]:
        place = (*self.document.spec_place, "templates")
        listed = self.spec.get("templates")
        queue = [
            Template(body, (*place, index))
            for index, body in enumerate(listed if isinstance(listed, list) else [])
            if isinstance(body, dict)
        ]
        for template in queue:  # grows while it is walked
            queue += [
                Template(step.holder["inline"], (*step.place, "inline"))
                for step in template.steps
                if isinstance(step.holder.get("inline"), dict)
            ]
        return queue

    def target(self, holder: dict[str, Any]) -> "tuple[Subject, Template] | None":
        """The template a step names, and whose it is; None where it is not among the files."""
        if isinstance(holder.get("inline"), dict):
            return self, Template(holder["inline"], ())
        reference = holder.get("templateRef")
        if isinstance(reference, dict):
            kind = "ClusterWorkflowTemplate" if reference.get("clusterScope") else "WorkflowTemplate"
            other = self.others.get((kind, str(reference.get("name"))))
            found = other.by_name.get(str(reference.get("template"))) if other else None
            return (other, found) if other and found else None
        own = self.by_name.get(str(holder.get("template")))
        return (self, own) if own else None
