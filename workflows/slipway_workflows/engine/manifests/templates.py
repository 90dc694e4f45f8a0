"""Which template a step means: by name, by templateRef or inline, and where names inside that one are looked up."""

from dataclasses import dataclass
from typing import Any

from slipway_steps.domain.errors import WorkflowInvalid
from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.library import Library

Template = dict[str, Any]
TemplateCaller = dict[str, Any]
"""A step, a task or a lifecycle hook: it names a template and gives it arguments."""
TYPES = ("container", "script", "resource", "steps", "dag", "suspend")
"""What a template can be, here; Argo's others are refused by name."""
NODE_TYPES = {
    "container": "Pod",
    "script": "Pod",
    "resource": "Pod",
    "steps": "Steps",
    "dag": "DAG",
    "suspend": "Suspend",
}


def template_type(template: Template) -> str:
    """The one of TYPES that the template is. Raises WorkflowInvalid for none or several."""
    found = [name for name in TYPES if template.get(name) is not None]
    if len(found) != 1:
        name = template.get("name", "inline")
        raise WorkflowInvalid(
            f"template {name}: is {' and '.join(found) or 'of no known type'}", f"one of {', '.join(TYPES)}"
        )
    return found[0]


def node_type(template: Template) -> str:
    """Argo's node type of a template."""
    return NODE_TYPES[template_type(template)]


@dataclass(frozen=True)
class Context:
    """Where template names are looked up: the workflow itself, or the WorkflowTemplate that a templateRef led into."""

    library: Library
    template_scope: str
    templates: dict[str, Template]
    defaults: Template

    def resolve(self, caller: dict[str, Any]) -> tuple[Template, "Context"]:
        """The template that a step, task or hook names. Raises WorkflowInvalid for one that does not exist."""
        if caller.get("inline") is not None:
            return merge_defaults(caller["inline"], self.defaults), self
        reference = caller.get("templateRef")
        if reference is not None:
            kind = "ClusterWorkflowTemplate" if reference.get("clusterScope") else "WorkflowTemplate"
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
    """The context inside a (Cluster)WorkflowTemplate."""
    kind = "cluster" if manifest["kind"] == "ClusterWorkflowTemplate" else "namespaced"
    return Context(library, f"{kind}/{manifest['metadata']['name']}", templates_by_name(manifest["spec"]), defaults)


def templates_by_name(spec: dict[str, Any]) -> dict[str, Template]:
    """The templates of a spec by name. Raises WorkflowInvalid where they are no list of templates with names."""
    listed = spec.get("templates") or []
    for fault in fields.faults(listed, fields.SPEC["templates"], "spec.templates"):
        raise WorkflowInvalid(fault, "correct the template")
    return {str(template["name"]): template for template in listed}


def merge_defaults(template: Template, defaults: Template) -> Template:
    """The template over the workflow's templateDefaults; what is for another type of template does not apply."""
    if not defaults:
        return template
    kind = template_type(template)
    fitting = {key: value for key, value in defaults.items() if key not in TYPES or key == kind}
    return merge(fitting, template)


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, map by map; lists are replaced whole."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def merge_named(below: list[dict[str, Any]], above: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two lists of named things, by name; the fields of `above` win."""
    result = {item["name"]: item for item in below}
    for item in above:
        result[item["name"]] = {**result.get(item["name"], {}), **item}
    return list(result.values())


def merge_spec(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A Workflow's spec over that of the template it refers to: arguments and templates by name."""
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
