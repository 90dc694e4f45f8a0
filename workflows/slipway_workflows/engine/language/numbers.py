"""Whole numbers as Argo's fields of type IntOrString hold them."""

from typing import Any

from slipway_workflows.engine.errors import NodeError


def whole_number(value: Any, field: str) -> int:
    """The whole number that a field holds as a number or as text. `field`: its name, for the message.

    Raises NodeError for a value that is not a whole number, or does not fit into Go's int64.
    """
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise NodeError(f"{field}: {str(value)[:60]!r} is not a whole number") from error
    if not -(2**63) <= number < 2**63:
        raise NodeError(f"{field}: {str(value)[:60]} is too large or too small a number")
    return number
