"""Turns a target into a Workflow and checks all of it before anything runs."""

import copy
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_workflows.engine import depends
from slipway_workflows.engine.images import check_image
from slipway_workflows.engine.known import SPEC, unknown
from slipway_workflows.engine.library import Library, Manifest
from slipway_workflows.engine.substitution import references

KINDS = ("steps", "dag", "container", "script", "suspend")
LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Home:
    """Where a template stands: names inside it are looked up there. scope: `namespaced/NAME`, `cluster/NAME` or
    `local/`.
    """

    scope: str
    templates: Mapping[str, Any]


class Plan:
    """A Workflow with everything it refers to resolved. Raises WorkflowInvalid, naming every fault."""

    def __init__(self, library: Library, workflow: Manifest) -> None:
        self.library = library
        self.workflow = workflow
        self.spec: dict[str, Any] = workflow["spec"]
        self.name: str = workflow["metadata"]["name"]
        reference = self.spec.get("workflowTemplateRef")
        if reference:
            base = library.template(reference["name"], bool(reference.get("clusterScope")))["spec"]
            given = {p["name"]: p for p in (self.spec.get("arguments") or {}).get("parameters") or []}
            declared = {p["name"]: p for p in (base.get("arguments") or {}).get("parameters") or []}
            merged = {**base, **{k: v for k, v in self.spec.items() if k != "workflowTemplateRef"}}
            merged["arguments"] = {"parameters": list((declared | given).values())}
            self.spec = merged
        self.home = self._home(self.spec, "local/")
        self.homes: dict[str, Home] = {}
        self.faults: list[str] = []
        self._check()

    def parameters(self) -> dict[str, str]:
        """The workflow's own parameters."""
        return {p["name"]: p.get("value") for p in (self.spec.get("arguments") or {}).get("parameters") or []}

    @staticmethod
    def _home(spec: Manifest, scope: str) -> Home:
        return Home(scope, {t["name"]: t for t in spec.get("templates") or []})

    def find(self, home: Home, call: Mapping[str, Any]) -> tuple[Home, dict[str, Any]]:
        """The template a step calls, and where it stands. Raises WorkflowInvalid."""
        reference = call.get("templateRef")
        if reference:
            name, cluster = reference["name"], bool(reference.get("clusterScope"))
            scope = f"{'cluster' if cluster else 'namespaced'}/{name}"
            if scope not in self.homes:
                try:
                    self.homes[scope] = self._home(self.library.template(name, cluster)["spec"], scope)
                except BadInput as error:
                    raise WorkflowInvalid(f"templateRef {name}: {error.message}", error.hint) from error
            home, wanted = self.homes[scope], reference["template"]
        else:
            wanted = call.get("template")
        if wanted not in home.templates:
            raise WorkflowInvalid(f"template {wanted!r} is not in {home.scope}")
        return home, home.templates[wanted]

    def _check(self) -> None:
        spec = self.spec
        self.faults += [f"{path} is not supported" for path in unknown(spec, SPEC, "spec")]
        for name, value in self.parameters().items():
            if value is None:
                self.faults.append(f"spec.arguments.parameters.{name} was not supplied")
        if not spec.get("entrypoint"):
            self.faults.append("spec.entrypoint is missing")
        for entry in (spec.get("entrypoint"), spec.get("onExit")):
            if entry:
                self._check_call(self.home, {"name": entry, "template": entry}, "spec", set(), root=True)
        if self.faults:
            faults = "; ".join(dict.fromkeys(self.faults))
            raise WorkflowInvalid(f"{self.name} is refused: {faults}", "nothing was started")

    def _check_call(
        self, home: Home, call: Mapping[str, Any], path: str, seen: set[tuple[str, str]], root: bool = False
    ) -> None:
        try:
            home, template = self.find(home, call)
        except WorkflowInvalid as error:
            self.faults.append(f"{path}.{call.get('name')}: {error.message}")
            return
        where = f"{home.scope}{'' if home.scope.endswith('/') else '/'}{template['name']}"
        given = {p["name"] for p in (call.get("arguments") or {}).get("parameters") or []}
        given |= set(self.parameters()) if root else set()
        for parameter in (template.get("inputs") or {}).get("parameters") or []:
            if parameter["name"] not in given and "value" not in parameter and "default" not in parameter:
                self.faults.append(f"{path}.{call.get('name')}: inputs.parameters.{parameter['name']} was not supplied")
        if (home.scope, template["name"]) not in seen:
            seen.add((home.scope, template["name"]))
            self._check_template(home, template, where, seen)

    def _check_template(self, home: Home, template: dict[str, Any], where: str, seen: set[tuple[str, str]]) -> None:
        if home is not self.home:
            shape = {"templates": [template]}
            self.faults += [
                f"{where}{p.removeprefix('.templates[0]')} is not supported" for p in unknown(shape, SPEC, "")
            ]
        kinds = [kind for kind in KINDS if kind in template]
        if len(kinds) != 1:
            self.faults.append(f"{where} has to be one of {', '.join(KINDS)}")
            return
        if kinds[0] in ("container", "script") and (fault := check_image(template[kinds[0]])):
            self.faults.append(f"{where}: {fault}")
        calls = list(_calls(template))
        names = [call["name"] for call in calls]
        self.faults += [
            f"{where}: the name {name!r} is used twice" for name in {n for n in names if names.count(n) > 1}
        ]
        self._check_references(template, where, names)
        for call in calls:
            for task in depends.tasks_in(depends.clause_of(call)):
                if task not in names:
                    self.faults.append(f"{where}.{call['name']} depends on {task!r}, which is no task")
            self._check_call(home, call, where, seen)

    def _check_references(self, template: dict[str, Any], where: str, names: list[str]) -> None:
        inputs = {p["name"] for p in (template.get("inputs") or {}).get("parameters") or []}
        for tag in references({k: v for k, v in template.items() if k != "name"}):
            parts = tag.split(".")
            if tag.startswith("="):
                continue
            if parts[0] in ("steps", "tasks") and len(parts) > 1 and parts[1] not in names and parts[1] != "name":
                self.faults.append(f"{where}: {{{{{tag}}}}} names no step of this template")
            if parts[:2] == ["inputs", "parameters"] and ".".join(parts[2:]) not in inputs:
                self.faults.append(f"{where}: {{{{{tag}}}}} names no input of this template")


def _calls(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for group in template.get("steps") or []:
        yield from group
    yield from (template.get("dag") or {}).get("tasks") or []


def generated(prefix: str) -> str:
    """A name as the API server makes it."""
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(5))


def workflow_of(library: Library, target: str | Manifest, given: Mapping[str, str]) -> Manifest:
    """The Workflow that a target stands for, with the parameters a person gave.

    A name: as `argo submit --from workflowtemplate/NAME`. Raises BadInput for a parameter that does not exist.
    """
    found = library.template(target) if isinstance(target, str) else target
    kind, meta = found["kind"], found["metadata"]
    if kind == "Workflow":
        workflow = copy.deepcopy(found)
    elif kind == "CronWorkflow":
        workflow = {
            "spec": copy.deepcopy(found["spec"]["workflowSpec"]),
            "metadata": {"generateName": f"{meta['name']}-"},
        }
    else:
        reference = {"name": meta["name"]} | ({"clusterScope": True} if kind.startswith("Cluster") else {})
        workflow = {"spec": {"workflowTemplateRef": reference}, "metadata": {"generateName": f"{meta['name']}-"}}
    meta = workflow["metadata"]
    if not meta.get("name"):
        meta["name"] = generated(meta.pop("generateName", "workflow-"))
    spec = workflow.setdefault("spec", {})
    declared = {p["name"] for p in (spec.get("arguments") or {}).get("parameters") or []}
    if reference := spec.get("workflowTemplateRef"):
        base = library.template(reference["name"], bool(reference.get("clusterScope")))["spec"]
        declared |= {p["name"] for p in (base.get("arguments") or {}).get("parameters") or []}
    if strange := sorted(set(given) - declared):
        known = ", ".join(sorted(declared)) or "none"
        raise BadInput(f"{meta['name']} has no parameter {', '.join(map(repr, strange))}", f"known: {known}")
    parameters = {p["name"]: p for p in (spec.get("arguments") or {}).get("parameters") or []}
    for name, value in given.items():
        parameters[name] = {**parameters.get(name, {}), "name": name, "value": value}
    if parameters:
        spec["arguments"] = {**(spec.get("arguments") or {}), "parameters": list(parameters.values())}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", **workflow}
