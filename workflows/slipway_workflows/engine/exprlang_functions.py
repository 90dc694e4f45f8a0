"""Functions of expr-lang and of Argo, and how Go prints their values."""

import json
import math
from collections.abc import Callable
from typing import Any

from slipway_workflows.engine.expression_error import ExpressionError


def text_of(value: Any) -> str:
    """A value as Go's fmt prints it, or as JSON where it is a list or map."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    return value if isinstance(value, str) else to_json(value) if isinstance(value, list | dict) else str(value)


def to_json(value: Any) -> str:
    """Compact JSON with sorted keys, as Go writes it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, list):
        return "[" + ",".join(to_json(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{to_json(str(k))}:{to_json(value[k])}" for k in sorted(value, key=str)) + "}"
    return json.dumps(value, ensure_ascii=False)


def _integer(value: Any) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError as error:
            raise ExpressionError(f"{value!r} is no integer") from error
    return int(value)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"{value!r} is no number") from error


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": _integer,
    "asFloat": _float,
    "int": _integer,
    "float": _float,
    "string": text_of,
    "toJson": to_json,
    "toJSON": to_json,
    "fromJson": json.loads,
    "fromJSON": json.loads,
    "len": len,
    "abs": abs,
    "floor": lambda value: float(math.floor(value)),
    "ceil": lambda value: float(math.ceil(value)),
    "round": lambda value: float(math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)),
    "max": max,
    "min": min,
    "upper": str.upper,
    "lower": str.lower,
    "trim": str.strip,
    "split": lambda value, by: value.split(by),
    "join": lambda values, by="": by.join(values),
    "replace": lambda value, old, new: value.replace(old, new),
    "hasPrefix": str.startswith,
    "hasSuffix": str.endswith,
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "keys": sorted,
    "values": lambda value: [value[key] for key in sorted(value)],
    "sum": sum,
    "type": lambda value: "nil" if value is None else type(value).__name__,
}
