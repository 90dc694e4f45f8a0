"""Whole numbers as Argo's fields of type IntOrString hold them."""

from typing import Any

from slipway_workflows.engine.errors import NodeError


def whole_number(value: Any, field: str) -> int:
    """The number of a field, given as a number or a text, its tags filled in. Raises NodeError for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise NodeError(f"{field}: {value!r} is no whole number") from error
