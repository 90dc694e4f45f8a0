"""Arithmetic and printing of numbers as in Go, where Python would raise an error or give another result."""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

_WORD = 1 << 64


def remainder(left: float, right: float) -> float:
    """Go's math.Mod: the remainder has the sign of the dividend, and is NaN for a division by zero."""
    if math.isinf(left) or right == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.fmod(left, right)


def quotient(left: float, right: float) -> float:
    """Go's `/` of two floats: infinite or NaN for a division by zero."""
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def power(left: float, right: float) -> float:
    """Go's math.Pow: infinite where the result is too large, NaN where it is not a real number."""
    try:
        return math.pow(left, right)
    except OverflowError:
        odd = float(right).is_integer() and right % 2 == 1
        return -math.inf if left < 0 and odd else math.inf
    except ValueError:
        if left != 0:
            return math.nan
        odd = float(right).is_integer() and right % 2 == 1
        return math.copysign(math.inf, left) if odd else math.inf


def int64(value: float) -> int:
    """A float as int64, as Go converts it on amd64: a value that does not fit becomes the smallest integer."""
    if math.isnan(value) or not -(2.0**63) <= value < 2.0**63:
        return -(1 << 63)
    return int(value)


def uint64(value: float) -> int:
    """A float as uint64, as Go converts it on amd64: a negative value wraps around."""
    if math.isnan(value) or not -(2.0**63) <= value < 2.0**64:
        return 1 << 63
    return int(value) % _WORD


def wrapped(value: int) -> int:
    """An integer wrapped around to the range of int64."""
    return (value + (1 << 63)) % _WORD - (1 << 63)


def shift_left(value: int, places: int) -> int:
    """Go's `<<` of a uint64: the bits above the 64th are lost."""
    return (value << places) % _WORD if places < 64 else 0


def shift_right(value: int, places: int) -> int:
    """Go's `>>` of a uint64: 0 for 64 places or more."""
    return value >> places if places < 64 else 0


def printed(value: float) -> str:
    """A float as Go's %v prints it: the shortest digits, with an exponent below 1e-4 and from 1e+06 on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value and not 1e-4 <= abs(value) < 1e6:
        # Python writes the same digits as Go, but uses an exponent for other values
        mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
        return f"{mantissa}e{exponent[0]}{int(exponent[1:]):02d}"
    return repr(value).removesuffix(".0")


def text_of(value: Any) -> str:
    """A value as Go's %v prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return printed(value)
    if isinstance(value, list):
        return "[" + " ".join(map(text_of, value)) + "]"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{text_of(key)}:{text_of(value[key])}" for key in sorted(value, key=str)) + "]"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S %z UTC") if value.tzinfo else value.isoformat(" ")
    return str(value)
