"""Substitutes tags in whole objects: on their JSON text, as Argo does, so that values are escaped alike."""

import json
from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine.language import substitution

Values = Mapping[str, str | None]
"""Dotted names and their values; None is an output that is absent: its node was skipped and declared no default."""


def fill(value: Any, values: Values) -> Any:
    """All tags that can be resolved; the others stay. Raises ExpressionError."""
    return _replace(value, values, ())


def fill_strictly(value: Any, values: Values) -> Any:
    """The same, but a tag that begins with `steps.` or `tasks.` and cannot be resolved is an error."""
    return _replace(value, values, ("steps.", "tasks."))


def _replace(value: Any, values: Values, strict: tuple[str, ...]) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    if "{{" not in text:
        return value
    return json.loads(substitution.replace(text, values, strict=strict), strict=False)


def encode(value: Any) -> str:
    """JSON as Go writes it: compact, and with <, > and & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
