"""Whole numbers as Argo's fields of type IntOrString hold them."""

from typing import Any

from slipway_workflows.engine.errors import NodeError


def whole_number(value: Any, field: str) -> int:
    """The whole number that a field holds as a number or as text. `field`: its name, for the message.

    Raises NodeError for a value that is not a whole number.
    """
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise NodeError(f"{field}: {value!r} is not a whole number") from error
