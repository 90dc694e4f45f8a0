"""The outputs of steps and dag templates, which they take from the nodes inside of them."""

from typing import Any

from slipway_workflows.engine.errors import ExpressionError, NodeError
from slipway_workflows.engine.language.expressions import evaluate
from slipway_workflows.engine.language.texts import encode
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.run.hooks import resolve_artifact
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.scopes import Scope


def composite_outputs(operation: Operation, template: Template, scope: Scope) -> dict[str, Any]:
    """The outputs of a steps or dag template, all of whose nodes have succeeded.

    `scope`: the outputs of these nodes. Raises NodeError where an output has no value and no default, ExpressionError
    where its expression cannot be evaluated.
    """
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
    """A declared output parameter with its value."""
    source = item.get("valueFrom") or {}
    result = dict(item)
    if source.get("parameter"):
        value = _value_of_reference(source["parameter"], values)
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


def _value_of_reference(reference: str, values: dict[str, str | None]) -> str | None:
    """The value of `valueFrom.parameter`: that of the name in its tag, or the text itself where it is not a tag."""
    name = reference.strip()
    if not (name.startswith("{{") and name.endswith("}}")):
        return name
    return values.get(name[2:-2].strip())


def _evaluated(expression: str, values: dict[str, str | None], has_default: bool) -> str | None:
    """The value of `valueFrom.expression` as text; None where it has none, or fails while there is a default."""
    try:
        value = evaluate(expression, values)
    except ExpressionError:
        if has_default:
            return None
        raise
    if value is None or isinstance(value, str):
        return value
    return encode(value)
