"""Values as Go treats them: which are equal, how they are printed, and how they are written as JSON."""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.times import Duration, rfc3339


class Groups(dict[Any, Any]):
    """The result of groupBy: a map whose keys may be any values, which Go cannot write as JSON."""


def is_number(value: Any) -> bool:
    """Whether a value is an integer or a float. A boolean, which is an int in Python, is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Whether two values are equal. Only numbers are converted: 1 equals 1.0, but "1" does not equal 1."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def type_name(value: Any) -> str:
    """The name of a value's type, as expr's type() gives it."""
    if value is None:
        return "nil"
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    if isinstance(value, Mapping):
        return "map"
    return {datetime: "time.Time", Duration: "time.Duration"}.get(type(value), "unknown")


def json_float(value: float) -> str:
    """A float as Go writes it in JSON: without `.0`, with an exponent below 1e-6 and from 1e21 on."""
    if value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = repr(value).partition("e")
        if not exponent:
            mantissa, _, exponent = f"{value:.16e}".partition("e")
            mantissa = mantissa.rstrip("0").rstrip(".")
        power = int(exponent)
        return f"{mantissa.removesuffix('.0')}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if value.is_integer():
        return str(int(value)) if value or math.copysign(1, value) > 0 else "-0"
    text = repr(value)
    return f"{value:.20f}".rstrip("0") if "e" in text else text


def to_json(value: Any, indent: int | None = None) -> str:
    """A value as JSON as Go writes it: keys sorted, no spaces, and <, > and & escaped. `indent`: spaces of each level.

    Raises ExpressionError for a value that JSON does not have, such as NaN.
    """
    text = json.dumps(
        _plain(value),
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":" if indent is None else ": "),
        indent=indent,
    )
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class _Float(float):
    """A float that json.dumps writes as Go does; json.dumps calls its repr."""

    def __repr__(self) -> str:
        return json_float(self).replace("e-0", "e-")


def _plain(value: Any) -> Any:
    if isinstance(value, Groups):
        raise ExpressionError("a map made by groupBy cannot be written as JSON", "take one of its groups")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Duration):
        return value.nanoseconds
    if isinstance(value, float):
        if math.isinf(value) or math.isnan(value):
            raise ExpressionError(f"{value} cannot be written as JSON")
        return int(value) if value.is_integer() and abs(value) < 1e21 else _Float(value)
    return value
