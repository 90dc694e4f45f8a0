"""Finds the template that a step, task or hook names: by its name, by a templateRef, or inline.

It also says where the names inside of that template are looked up (`Context`).
"""

from dataclasses import dataclass
from typing import Any

from slipway_steps.domain.errors import WorkflowInvalid
from slipway_workflows.argo.references import referenced_kind
from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.library import Library

Template = dict[str, Any]
TemplateCaller = dict[str, Any]
"""A step, a task or a lifecycle hook: it names a template and gives it arguments."""
TYPES = ("container", "script", "resource", "steps", "dag", "suspend")
"""The template types that the engine runs; the other ones of Argo are refused."""
NODE_TYPES = {
    "container": "Pod",
    "script": "Pod",
    "resource": "Pod",
    "steps": "Steps",
    "dag": "DAG",
    "suspend": "Suspend",
}


def template_type(template: Template) -> str:
    """The type of a template, one of TYPES. Raises WorkflowInvalid where it has none, or several."""
    found = [name for name in TYPES if template.get(name) is not None]
    if len(found) != 1:
        name = template.get("name", "inline")
        raise WorkflowInvalid(
            f"template {name}: is {' and '.join(found) or 'of no known type'}", f"one of {', '.join(TYPES)}"
        )
    return found[0]


def node_type(template: Template) -> str:
    """The type of the node that runs a template, such as `Pod`. Raises WorkflowInvalid as `template_type`."""
    return NODE_TYPES[template_type(template)]


@dataclass(frozen=True)
class Context:
    """Where the template names of a caller are looked up.

    At first that is the workflow itself; inside of a template that a templateRef names, it is its WorkflowTemplate.
    """

    library: Library
    template_scope: str
    """As nodes store it, such as `local/<workflow>` or `namespaced/<WorkflowTemplate>`."""
    templates: dict[str, Template]
    """The templates by name."""
    defaults: Template
    """The `templateDefaults` of the workflow, which count everywhere."""

    def resolve(self, caller: dict[str, Any]) -> tuple[Template, "Context"]:
        """The template that a caller names, with the defaults merged in, and the context for the names inside of it.

        Raises WorkflowInvalid where it does not exist.
        """
        if caller.get("inline") is not None:
            return merge_defaults(caller["inline"], self.defaults), self
        reference = caller.get("templateRef")
        if reference is not None:
            kind = referenced_kind(reference)
            name, wanted = str(reference.get("name")), str(reference.get("template"))
            manifest = self.library.find(kind, name)
            inner = context_of(self.library, manifest, self.defaults) if manifest else None
            if inner is None or wanted not in inner.templates:
                raise WorkflowInvalid(f"templateRef {name}.{wanted} not found", f"no such {kind} or template in it")
            return merge_defaults(inner.templates[wanted], self.defaults), inner
        wanted = str(caller.get("template"))
        if wanted not in self.templates:
            known = ", ".join(sorted(self.templates)) or "none"
            raise WorkflowInvalid(f"template name '{wanted}' undefined", f"known in {self.template_scope}: {known}")
        return merge_defaults(self.templates[wanted], self.defaults), self


def context_of(library: Library, manifest: dict[str, Any], defaults: Template) -> Context:
    """The context inside of a (Cluster)WorkflowTemplate. `defaults`: the `templateDefaults` of the workflow."""
    kind = "cluster" if manifest["kind"] == "ClusterWorkflowTemplate" else "namespaced"
    return Context(library, f"{kind}/{manifest['metadata']['name']}", templates_by_name(manifest["spec"]), defaults)


def templates_by_name(spec: dict[str, Any]) -> dict[str, Template]:
    """The templates of a spec by name. Raises WorkflowInvalid where they are not a list of templates with names."""
    listed = spec.get("templates") or []
    for fault in fields.faults(listed, fields.SPEC["templates"], "spec.templates"):
        raise WorkflowInvalid(fault, "correct the template")
    return {str(template["name"]): template for template in listed}


def merge_defaults(template: Template, defaults: Template) -> Template:
    """The template laid over the workflow's templateDefaults, without those for other types of templates."""
    if not defaults:
        return template
    kind = template_type(template)
    fitting = {key: value for key, value in defaults.items() if key not in TYPES or key == kind}
    return merge(fitting, template)


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: maps are merged at every depth; other values of `above` replace those of `below`."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def merge_named(below: list[dict[str, Any]], above: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two lists of named objects as one. The fields of objects with the same name are merged; those of `above` win."""
    result = {item["name"]: item for item in below}
    for item in above:
        result[item["name"]] = {**result.get(item["name"], {}), **item}
    return list(result.values())


def merge_spec(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """The spec of a Workflow, `above`, over that of its workflowTemplateRef; arguments and templates merge by name."""
    result = merge(below, {key: value for key, value in above.items() if key not in ("arguments", "templates")})
    arguments_below, arguments_above = below.get("arguments") or {}, above.get("arguments") or {}
    merged = {
        kind: merge_named(arguments_below.get(kind) or [], arguments_above.get(kind) or [])
        for kind in ("parameters", "artifacts")
        if arguments_below.get(kind) or arguments_above.get(kind)
    }
    if merged:
        result["arguments"] = merged
    if below.get("templates") or above.get("templates"):
        result["templates"] = merge_named(below.get("templates") or [], above.get("templates") or [])
    return result
