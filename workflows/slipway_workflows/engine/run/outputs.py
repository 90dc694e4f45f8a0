"""Outputs of steps and dag templates: taken from what is inside them."""

from typing import Any

from slipway_workflows.engine.errors import ExpressionError, NodeError
from slipway_workflows.engine.language.expressions import evaluate
from slipway_workflows.engine.language.texts import encode
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.run.hooks import resolve_artifact
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.scopes import Scope


def composite_outputs(operation: Operation, template: Template, scope: Scope) -> dict[str, Any]:
    """The outputs of a steps or dag template whose inside has succeeded. Raises NodeError where one has no value."""
    declared = template.get("outputs") or {}
    result: dict[str, Any] = {}
    values = {**operation.global_outputs.values, **scope.values}
    if declared.get("parameters"):
        result["parameters"] = [_parameter(item, values) for item in declared["parameters"]]
    artifacts = []
    for item in declared.get("artifacts") or []:
        try:
            found = resolve_artifact(item, scope) if item.get("from") or item.get("fromExpression") else item
            artifacts.append(found)
        except (NodeError, ExpressionError):
            if not item.get("optional"):
                raise
    if artifacts:
        result["artifacts"] = artifacts
    return result


def _parameter(item: dict[str, Any], values: dict[str, str | None]) -> dict[str, Any]:
    source = item.get("valueFrom") or {}
    result = dict(item)
    if source.get("parameter"):
        value = _referred(source["parameter"], values)
    elif source.get("expression"):
        value = _evaluated(source["expression"], values, source.get("default") is not None)
    else:
        return result
    if value is None:
        value = source.get("default")
    if value is None:
        text = source.get("parameter") or source.get("expression")
        raise NodeError(f"output parameter {item['name']} has no value: unable to resolve {text}, and no default")
    result["value"] = value
    return result


def _referred(reference: str, values: dict[str, str | None]) -> str | None:
    name = reference.strip()
    if not (name.startswith("{{") and name.endswith("}}")):
        return name
    return values.get(name[2:-2].strip())


def _evaluated(expression: str, values: dict[str, str | None], has_default: bool) -> str | None:
    try:
        value = evaluate(expression, values)
    except ExpressionError:
        if has_default:
            return None
        raise
    if value is None or isinstance(value, str):
        return value
    return encode(value)
