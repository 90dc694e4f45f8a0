"""What code of other packages told, as values that can be stored: modes and plugins may return anything."""

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from pydantic_core import from_json, to_json

AROUND = 8
"""Levels around a plugin's value in a session's file; JSON that is nested too deep cannot be read again."""


def json_value(value: object) -> Any:
    """A value as JSON holds it: numbers of numpy become numbers, NaN and infinite ones text.

    Raises ValueError for what JSON cannot hold: an object, a circular or too deeply nested value, text that is no
    Unicode.
    """
    nested = value
    for _ in range(AROUND):
        nested = [nested]
    found = from_json(to_json(nested, inf_nan_mode="strings", fallback=_plain))
    for _ in range(AROUND):
        (found,) = found
    return found


def _plain(value: Any) -> object:
    """A scalar or an array of numpy, and whatever else has its `tolist`, as values of Python."""
    if not callable(getattr(value, "tolist", None)):
        raise TypeError(f"JSON cannot hold a {type(value).__name__}")
    return value.tolist()


def measures(found: Mapping[str, object], tell: Callable[[str], None]) -> dict[str, float]:
    """The measures of a mode that are numbers. tell: is told of each that is none, which is left out."""
    numbers = {}
    for name, value in found.items():
        try:
            # float() would also take the text "7"
            number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
        except OverflowError:
            number = math.nan
        if math.isnan(number) or not isinstance(name, str):
            tell(text(f"measure {name!r} is no number, but a {type(value).__name__}"))
        else:
            numbers[text(name)] = number
    return numbers


def text(told: object) -> str:
    """Text as UTF-8 can hold it: a half of a surrogate pair is written as its escape."""
    return str(told).encode(errors="backslashreplace").decode()
