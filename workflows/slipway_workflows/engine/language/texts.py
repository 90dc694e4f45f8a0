"""Substitutes tags in whole objects: on their JSON text, as Argo does, so that values are escaped alike."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import substitution

Values = Mapping[str, str | None]
"""Dotted names and their values; None is an output that is absent: its node was skipped and declared no default."""
STEPS_AND_TASKS = ("steps.", "tasks.")


def fill(value: Any, values: Values) -> Any:
    """All tags that can be resolved; the others stay. Raises ExpressionError."""
    return fill_strictly(value, values, ())


def fill_strictly(value: Any, values: Values, prefixes: Sequence[str] = STEPS_AND_TASKS) -> Any:
    """The same, but a tag that begins with one of `prefixes` and cannot be resolved is an error."""
    text = json.dumps(value, ensure_ascii=False)
    if substitution.BEGIN not in text:
        return value
    replaced = substitution.replace(text, values, prefixes)
    try:
        return json.loads(replaced, strict=False)
    except ValueError as error:
        raise ExpressionError(
            f"cannot finish template replacement because the result was invalid JSON: {error}", "close every tag"
        ) from error


def encode(value: Any) -> str:
    """JSON as Go writes it: compact, and with <, > and & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
