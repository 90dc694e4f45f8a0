"""Checks the parameters of a workflow against the steps it reaches, before anything starts.

The value of a workflow parameter is passed through the arguments of steps and tasks to the argument of a container
(`python -m slipway_steps.entry evaluate --accuracy-min={{inputs.parameters.accuracy-min}}`). The class `Params` of that
step defines which values are valid. The check is the same on this machine and on a cluster.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_steps.entry import STEPS, load_step
from slipway_steps.release.step_parameters import PATH
from slipway_workflows.argo.references import referenced_kind

Manifest = dict[str, Any]
Find = Callable[[str, str], Manifest | None]
"""Finds a manifest by kind and name, such as ("WorkflowTemplate", "test-staging"); None where there is none."""
ENTRY = "slipway_steps.entry"
POD = "pod"
"""In place of a step's name, for a value that the spec of the pod gets."""
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?")
"""A request for a resource as Kubernetes writes it, without exponents."""
REQUEST_TAG = re.compile(r'"(cpu|memory)": *\{\{=toJson\(inputs\.parameters\[\'([^\']+)\'\]\)\}\}')
"""A request, or a limit, in a `podSpecPatch` that is one tag; see `pod.pod_spec_patch`."""
WHOLE_TAG = re.compile(r"\{\{\s*(inputs|workflow)\.parameters\.([^{}\s]+)\s*\}\}")


def check_parameters(source: Manifest, given: Mapping[str, str], find: Find) -> None:
    """Check the parameter values that a workflow made from `source` would run with.

    source: a Workflow, CronWorkflow or template. given: values that replace those of the manifest. find: finds the
    templates that it refers to. Raises BadInput for the first value that is not in the `enum` of its parameter, or that
    a step would refuse; the message names the parameter, the value, and which value is wanted, with its unit.
    """
    name, spec = name_of(source), spec_of(source)
    referenced = _referenced(spec.get("workflowTemplateRef"), find)
    declared = declared_parameters(spec_of(referenced)) if referenced else {}
    for parameter, item in declared_parameters(spec).items():
        declared[parameter] = {**declared.get(parameter, {}), **item}  # a value alone does not hide the `enum`
    values: dict[str, str] = {}
    for parameter, item in declared.items():
        value = given.get(parameter, item.get("value", item.get("default")))
        choices = item.get("enum")
        if parameter in given and isinstance(choices, list) and choices and value not in choices:
            known = ", ".join(map(str, choices))
            raise BadInput(f"{name}: {parameter}={value} is not one of its values", f"known: {known}")
        if isinstance(value, str) and "{{" not in value:
            values[parameter] = value
    for use in _uses(referenced or {"spec": spec}, find):
        if use.parameter in values:
            _check_value(name, use, values[use.parameter])


def with_absolute_paths(source: Manifest, given: Mapping[str, str], find: Find, directory: Path) -> dict[str, str]:
    """The parameter values `given`, with the paths among them absolute: a step has a working directory of its own.

    source, find: as in `check_parameters`. directory: where relative paths begin. Raises BadInput for a path that does
    not exist on this machine.
    """
    found = dict(given)
    manifest = _referenced(spec_of(source).get("workflowTemplateRef"), find) or {"spec": spec_of(source)}
    for use in _uses(manifest, find):
        field = load_step(use.step).Params.model_fields[use.field] if use.step != POD else None
        value = given.get(use.parameter)
        if field is None or field.json_schema_extra != PATH or value in (None, field.default):
            continue
        path = (directory / str(value)).absolute()
        if not path.exists():
            wanted = f"{use.parameter}: {field.description}"
            raise BadInput(f"{name_of(source)}: {use.parameter}={value}: there is no {path}", wanted)
        found[use.parameter] = str(path)
    return found


def name_of(source: Manifest) -> str:
    """The `name` or `generateName` of a manifest. Raises WorkflowInvalid where it has neither."""
    metadata = _map(source.get("metadata"))
    name = metadata.get("name") or metadata.get("generateName")
    if not isinstance(name, str):
        raise WorkflowInvalid(f"{source.get('kind')} has no name", "give it metadata.name")
    return name


def spec_of(source: Manifest) -> Manifest:
    """The spec of the workflow in a Workflow, CronWorkflow or template. Raises WorkflowInvalid where there is none."""
    spec = source.get("spec")
    if source.get("kind") == "CronWorkflow" and isinstance(spec, dict):
        spec = spec.get("workflowSpec")
    if not isinstance(spec, dict):
        raise WorkflowInvalid(f"{source.get('kind')} {name_of(source)} has no workflow spec", "correct the manifest")
    return spec


def declared_parameters(spec: Manifest) -> dict[str, Manifest]:
    """The parameters in the spec of a workflow, by name.

    Raises WorkflowInvalid where they are no list of maps with names.
    """
    arguments = spec.get("arguments") or {}
    items = (arguments.get("parameters") or []) if isinstance(arguments, dict) else None
    named = isinstance(items, list) and all(isinstance(_map(item).get("name"), str) for item in items)
    if items is None or not named:
        raise WorkflowInvalid("spec.arguments.parameters is not a list of maps with names", "correct the manifest")
    return {item["name"]: item for item in items}


@dataclass(frozen=True)
class _Use:
    """A use of a workflow parameter: a field of the Params of a step gets its value, or (POD) a request of a pod."""

    parameter: str
    step: str
    field: str


def _check_value(name: str, use: _Use, value: str) -> None:
    """Raises BadInput where the field that gets `value` does not accept it. name: of the workflow, for the message."""
    if use.step == POD:
        if not QUANTITY.fullmatch(value):
            wanted = "`500m` is half a core, `2Gi` are two gibibytes"
            raise BadInput(f"{name}: {use.parameter}={value!r} is no request for {use.field}", wanted)
        return
    params: type[BaseModel] = load_step(use.step).Params
    try:
        params.model_validate({use.field: value})
    except ValidationError as error:
        # the other fields are missing here; their errors do not matter
        for fault in error.errors():
            if fault["loc"][:1] == (use.field,):
                wanted = params.model_fields[use.field].description or f"see step {use.step}"
                raise BadInput(
                    f"{name}: {use.parameter}={value!r} is refused by step {use.step}: {fault['msg']}",
                    f"{use.parameter}: {wanted}",
                ) from error


def _uses(manifest: Manifest, find: Find) -> Iterator[_Use]:
    """All uses of the parameters of a manifest in the steps that its entry point, exit handler and hooks reach."""
    spec = _map(manifest.get("spec"))
    own = {parameter: parameter for parameter in declared_parameters(spec)}
    queue: list[tuple[Manifest, Any, dict[str, str]]] = [
        (manifest, {"template": spec.get(key)}, own) for key in ("entrypoint", "onExit") if spec.get(key)
    ]
    queue += [(manifest, hook, _passed_parameters(hook, {}, own)) for hook in _map(spec.get("hooks")).values()]
    seen = set()
    for here, caller, inputs in queue:  # the loop itself appends to the queue
        found = _template(here, _map(caller), find)
        if found is None:
            continue
        there, template = found
        key = (id(template), tuple(sorted(inputs.items())))
        if key in seen:
            continue
        seen.add(key)
        yield from _flags(template, inputs, own)
        for inner in _callers(template):
            queue.append((there, inner, _passed_parameters(inner, inputs, own)))
            queue += [
                (there, hook, _passed_parameters(hook, inputs, own)) for hook in _map(inner.get("hooks")).values()
            ]


def _flags(template: Manifest, inputs: Mapping[str, str], own: Mapping[str, str]) -> Iterator[_Use]:
    """The uses in the requests of the pod and in the arguments of a step's container. The value of each has to be one
    tag and nothing else.
    """
    patch = template.get("podSpecPatch")
    for resource, parameter in REQUEST_TAG.findall(patch) if isinstance(patch, str) else ():
        if parameter in inputs:
            yield _Use(inputs[parameter], POD, resource)
    container = _map(template.get("container"))
    words = [word for key in ("command", "args") for word in _list(container.get(key)) if isinstance(word, str)]
    if ENTRY not in words:
        return
    step, *flags = [*words[words.index(ENTRY) + 1 :], ""]
    if step not in STEPS:
        return
    fields = load_step(step).Params.model_fields
    for flag in flags:
        name, _, value = flag.removeprefix("--").partition("=")
        origin = _origin(value, inputs, own)
        if origin is not None and name.replace("-", "_") in fields:
            yield _Use(origin, step, name.replace("-", "_"))


def _passed_parameters(caller: Any, inputs: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Input of the called template -> the workflow parameter whose value it gets.

    caller: a step, task or hook. inputs: the same map for the template that the caller is in. own: of the workflow.
    """
    found = {}
    for item in _list(_map(_map(caller).get("arguments")).get("parameters")):
        argument = _map(item)
        origin = _origin(argument.get("value"), inputs, own)
        if origin is not None and isinstance(argument.get("name"), str):
            found[argument["name"]] = origin
    return found


def _origin(value: Any, inputs: Mapping[str, str], own: Mapping[str, str]) -> str | None:
    """The workflow parameter that `value` stands for, if it is one tag and nothing else; else None."""
    match = WHOLE_TAG.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    return (inputs if match.group(1) == "inputs" else own).get(match.group(2))


def _template(here: Manifest, caller: Manifest, find: Find) -> tuple[Manifest, Manifest] | None:
    """The template that a step, task or hook calls, with the manifest that has it; None where it cannot be found."""
    if isinstance(caller.get("inline"), dict):
        return here, caller["inline"]
    name = caller.get("template")
    if isinstance(caller.get("templateRef"), dict):
        there = _referenced(caller["templateRef"], find)
        if there is None:
            return None
        here, name = there, caller["templateRef"].get("template")
    for template in _list(_map(here.get("spec")).get("templates")):
        if isinstance(template, dict) and template.get("name") == name:
            return here, template
    return None


def _referenced(reference: Any, find: Find) -> Manifest | None:
    """The manifest that a templateRef or workflowTemplateRef names; None where it is not found or its name is a tag."""
    name = _map(reference).get("name")
    kind = referenced_kind(_map(reference))
    return find(kind, name) if isinstance(name, str) and "{{" not in name else None


def _callers(template: Manifest) -> Iterator[Manifest]:
    """The steps or tasks of a template; each calls another template."""
    for group in _list(template.get("steps")):
        yield from (step for step in _list(group) if isinstance(step, dict))
    yield from (task for task in _list(_map(template.get("dag")).get("tasks")) if isinstance(task, dict))


def _map(value: Any) -> Manifest:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
