"""Evaluates expr-lang over the dotted names of a run.

`values` are flat here; for expr-lang `steps.a.status` becomes `{"steps": {"a": {"status": ...}}}`.
"""

from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang
from slipway_workflows.engine.language.substitution import nested


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of an expression. Raises ExpressionError where it cannot be parsed or evaluated."""
    return exprlang.evaluate(text, nested(values))


def evaluate_bool(text: str, values: Mapping[str, Any]) -> bool:
    """The value of a condition. Raises ExpressionError as `evaluate`, and where the value is not a boolean."""
    result = evaluate(text, values)
    if not isinstance(result, bool):
        raise ExpressionError(f"unable to evaluate expression '{text}': expected a boolean, got {result!r}")
    return result
