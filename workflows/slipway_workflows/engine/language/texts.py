"""Fills in tags in whole objects. As in Argo this is done on their JSON text, so that values are escaped the same."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import substitution

Values = Mapping[str, str | None]
"""Dotted names and their values; None is an output that is absent: its node was skipped and declared no default."""
STEPS_AND_TASKS = ("steps.", "tasks.")


def has_tags(value: Any) -> bool:
    """Whether there is a tag anywhere in an object, so that it matters whether it is filled in."""
    return substitution.BEGIN in json.dumps(value, ensure_ascii=False)


def fill(value: Any, values: Values) -> Any:
    """The object with all tags filled in that are known; the others stay.

    Raises ExpressionError for a tag without an end, an expression that cannot be parsed, or an output that is absent.
    """
    return fill_strictly(value, values, ())


def fill_strictly(value: Any, values: Values, prefixes: Sequence[str] = STEPS_AND_TASKS) -> Any:
    """As `fill`, but raises ExpressionError too for an unknown name that begins with one of `prefixes`."""
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
    """A value as JSON as Go writes it: compact, and with <, > and & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
