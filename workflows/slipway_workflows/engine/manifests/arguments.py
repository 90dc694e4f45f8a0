"""Gives a template its inputs, from arguments, ConfigMaps and defaults, and then fills in its tags.

Like Argo it fills them in twice: first the names of the workflow and node, then the template's own inputs.
"""

import copy
from typing import Any

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.texts import Values, encode, fill, has_tags
from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.argo_order import in_argo_order
from slipway_workflows.engine.manifests.library import Library
from slipway_workflows.engine.manifests.templates import Template

LOCATIONS = ("raw", "s3", "from", "fromExpression")
"""The fields of an artifact that say where its content is. On one machine `s3.key` is a path in the run's directory."""


def by_name(items: list[dict[str, Any]] | None, name: str) -> dict[str, Any] | None:
    """The first item of a list that has this name, or None."""
    return next((item for item in items or [] if item.get("name") == name), None)


def input_parameter(declared: dict[str, Any], given: dict[str, Any] | None, library: Library) -> dict[str, Any]:
    """A declared input parameter with its value. `given`: the caller's argument for it, if there is one.

    Raises NodeError where it has no value, WorkflowInvalid where a ConfigMap that it names has none.
    """
    source = declared.get("valueFrom") or {}
    value = declared.get("value")
    if value is None:
        value = declared.get("default", source.get("default"))
    if given is not None and given.get("value") is not None:
        value = given["value"]
    elif given is not None and (given.get("valueFrom") or {}).get("configMapKeyRef"):
        value = library.config_value(given["valueFrom"]["configMapKeyRef"])
    elif source.get("configMapKeyRef"):
        value = library.config_value(source["configMapKeyRef"])
    if value is None:
        raise NodeError(f"inputs.parameters.{declared['name']} was not supplied")
    result = {key: entry for key, entry in declared.items() if key != "valueFrom"}
    return {**result, "value": value}


def input_artifact(declared: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
    """A declared input artifact with its location. `given`: the caller's argument for it, if there is one.

    Raises NodeError where it has no location and is not optional.
    """
    if any(declared.get(key) for key in LOCATIONS):
        return declared
    if given is None or not any(given.get(key) for key in LOCATIONS):
        if declared.get("optional"):
            return declared
        raise NodeError(f"inputs.artifacts.{declared['name']} was not supplied")
    kept: dict[str, Any] = {key: declared[key] for key in ("name", "path", "mode", "optional") if key in declared}
    return {**given, **kept}


def process(template: Template, arguments: dict[str, Any], library: Library, values: Values) -> Template:
    """The template as its node runs it: with its inputs, and all tags filled in that are known now.

    `arguments`: those of the caller. `values`: the names of the workflow and of the node, with their values. Raises
    NodeError for an input without a value, ExpressionError for a tag that cannot be evaluated.
    """
    inputs = template.get("inputs") or {}
    processed = copy.copy(template)
    if inputs:
        given = arguments or {}
        processed["inputs"] = {
            **inputs,
            "parameters": [
                input_parameter(item, by_name(given.get("parameters"), item["name"]), library)
                for item in inputs.get("parameters") or []
            ],
            "artifacts": [
                input_artifact(item, by_name(given.get("artifacts"), item["name"]))
                for item in inputs.get("artifacts") or []
            ],
        }
    if not has_tags(processed):
        return processed
    first = fill(in_argo_order(processed, fields.TEMPLATE), values)
    result: Template = fill(first, _inner_values(first))
    return result


def _inner_values(template: Template) -> dict[str, str | None]:
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    parameters = inputs.get("parameters") or []
    values: dict[str, str | None] = {f"inputs.parameters.{item['name']}": str(item["value"]) for item in parameters}
    values["inputs.parameters"] = encode(parameters)
    for item in inputs.get("artifacts") or []:
        if item.get("path"):
            values[f"inputs.artifacts.{item['name']}.path"] = item["path"]
    for item in outputs.get("artifacts") or []:
        if item.get("path"):
            values[f"outputs.artifacts.{item['name']}.path"] = item["path"]
    for item in outputs.get("parameters") or []:
        if (item.get("valueFrom") or {}).get("path"):
            values[f"outputs.parameters.{item['name']}.path"] = item["valueFrom"]["path"]
    return values
