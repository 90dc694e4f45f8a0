"""The builtin functions of expr, and those that Argo adds (asInt, asFloat, toJson, jsonpath)."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.path import jsonpath
from slipway_workflows.engine.language.exprlang.times import Duration, parse_time
from slipway_workflows.engine.language.exprlang.values import Groups, equal, is_number, to_json, type_name
from slipway_workflows.engine.language.golang import text_of

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


def to_int(value: Any) -> int:
    """Expr's int(): a number loses its fraction, a string has to be a whole number. Raises ExpressionError."""
    if isinstance(value, str) and WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if is_number(value):
        return int(value)
    raise ExpressionError(f"invalid operation: int({text_of(value)})")


def to_float(value: Any) -> float:
    """Expr's float(), of a number or a string with one. Raises ExpressionError for anything else."""
    if is_number(value) or (isinstance(value, str) and value == value.strip()):
        try:
            return float(value)
        except ValueError:
            pass
    raise ExpressionError(f"invalid operation: float({text_of(value)})")


def from_json(text: Any) -> Any:
    """The value of a JSON text; as in Go every number is a float. Raises ExpressionError for what is not JSON."""
    try:
        return json.loads(text, parse_int=float)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"fromJSON: {text_of(text)[:60]!r} is not JSON") from error


def _flat(values: Iterable[Any]) -> list[float]:
    found: list[float] = []
    for value in values:
        if isinstance(value, list):
            found.extend(_flat(value))
        elif is_number(value):
            found.append(value)
        else:
            raise ExpressionError(f"{text_of(value)} is not a number")
    return found


def _deep(values: list[Any]) -> list[Any]:
    return [inner for value in values for inner in (_deep(value) if isinstance(value, list) else [value])]


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def found(*values: Any) -> Any:
        flat = _flat(values)
        return choose(flat) if flat else None

    return found


def _mean(*values: Any) -> float:
    flat = _flat(values)
    return sum(flat) / len(flat) if flat else 0.0


def _median(*values: Any) -> float:
    flat = sorted(_flat(values))
    if not flat:
        return 0.0
    middle = len(flat) // 2
    return float(flat[middle]) if len(flat) % 2 else (flat[middle - 1] + flat[middle]) / 2


def _round(value: float) -> float:
    """As in Go, halves are rounded away from zero."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _sorted(values: list[Any], order: str = "asc") -> list[Any]:
    if order not in ("asc", "desc"):
        raise ExpressionError(f"invalid order {order}, expected asc or desc")
    return sorted(values, reverse=order == "desc")


def _unique(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(equal(value, other) for other in found):
            found.append(value)
    return found


def _get(of: Any, key: Any) -> Any:
    if isinstance(of, Mapping):
        return of.get(key)
    if isinstance(of, list) and isinstance(key, int):
        return of[key] if -len(of) <= key < len(of) else None
    return None


def _length(value: Any) -> int:
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise ExpressionError(f"invalid argument for len (type {type_name(value)})")


def _trim(value: str, characters: str | None = None) -> str:
    return value.strip(characters)


def _split(value: str, by: str, limit: int = -1) -> list[str]:
    parts = list(value) if by == "" else value.split(by)
    return parts if limit < 0 else [*parts[: limit - 1], by.join(parts[limit - 1 :])] if limit else []


def _split_after(value: str, by: str, limit: int = -1) -> list[str]:
    parts = _split(value, by, limit)
    return [*(part + by for part in parts[:-1]), *parts[-1:]]


def _join(values: list[Any], by: str = "") -> str:
    if not all(isinstance(value, str) for value in values):
        raise ExpressionError("join needs a list of strings")
    return by.join(values)


def _repeat(value: str, times: int) -> str:
    if not 0 <= times * max(len(value), 1) <= 1_000_000:
        raise ExpressionError("repeat: memory budget exceeded")
    return value * times


def _replace(value: str, old: str, new: str, times: int = -1) -> str:
    return value.replace(old, new, times)


def _pairs(value: Mapping[str, Any]) -> list[Any]:
    return [[key, value[key]] for key in sorted(value)]


def _from_pairs(values: list[Any]) -> dict[str, Any]:
    return {text_of(key): value for key, value in values}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": to_int,
    "asFloat": to_float,
    "jsonpath": jsonpath,
    "toJson": to_json,
    "int": to_int,
    "float": to_float,
    "string": text_of,
    "toJSON": lambda value: to_json(value, indent=2),
    "fromJSON": from_json,
    "toBase64": lambda text: base64.b64encode(text.encode()).decode(),
    "fromBase64": lambda text: base64.b64decode(text, validate=True).decode(),
    "toPairs": _pairs,
    "fromPairs": _from_pairs,
    "len": _length,
    "type": type_name,
    "abs": lambda value: -value if value < 0 else value,
    "floor": lambda value: float(math.floor(value)),
    "ceil": lambda value: float(math.ceil(value)),
    "round": _round,
    "max": _extreme(max),
    "min": _extreme(min),
    "mean": _mean,
    "median": _median,
    "sum": lambda values: sum(_flat(values)),
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "trim": _trim,
    "trimPrefix": lambda text, prefix=" ": text.removeprefix(prefix),
    "trimSuffix": lambda text, suffix=" ": text.removesuffix(suffix),
    "split": _split,
    "splitAfter": _split_after,
    "join": _join,
    "replace": _replace,
    "repeat": _repeat,
    "indexOf": lambda text, part: text.find(part),
    "lastIndexOf": lambda text, part: text.rfind(part),
    "hasPrefix": lambda text, prefix: text.startswith(prefix),
    "hasSuffix": lambda text, suffix: text.endswith(suffix),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "get": _get,
    "take": lambda values, count: values[:count],
    "keys": sorted,
    "values": lambda value: [value[key] for key in sorted(value)],
    "sort": _sorted,
    "reverse": lambda values: values[::-1],
    "concat": lambda *lists: [item for items in lists for item in items],
    "flatten": _deep,
    "uniq": _unique,
    "count": lambda values: sum(1 for value in values if value is True),
    "all": all,
    "any": any,
    "none": lambda values: not any(values),
    "now": lambda: datetime.now(UTC),
    "date": lambda text, layout=None, zone=None: parse_time(text, layout, zone),
    "duration": Duration.parse,
    "timezone": lambda name: name,
    "bitand": lambda left, right: left & right,
    "bitor": lambda left, right: left | right,
    "bitxor": lambda left, right: left ^ right,
    "bitnand": lambda left, right: left & ~right,
    "bitnot": lambda value: ~value,
    "bitshl": lambda value, places: value << places,
    "bitshr": lambda value, places: value >> places,
}
RESULT_TYPES = {
    **dict.fromkeys(("asInt", "int", "len", "indexOf", "lastIndexOf"), "int"),
    **dict.fromkeys(("asFloat", "float", "mean", "median", "floor", "ceil", "round"), "float"),
    **dict.fromkeys(
        (
            *("string", "toJSON", "toJson", "toBase64", "fromBase64", "upper", "lower", "trim", "trimPrefix"),
            *("trimSuffix", "join", "replace", "repeat", "type"),
        ),
        "string",
    ),
    **dict.fromkeys(("hasPrefix", "hasSuffix", "all", "any", "none", "one"), "bool"),
    **dict.fromkeys(("split", "splitAfter", "keys", "values", "filter", "map", "sort", "concat", "reverse"), "array"),
}
"""The type of each function's result, where expr's checker knows it."""


def over_items(name: str, items: list[Any], body: Callable[..., Any], rest: list[Any]) -> Any:
    """The result of a builtin function, such as `filter`, that applies a predicate to each item of a list.

    `body`: evaluates the predicate for one item. `rest`: the arguments after the predicate. Raises ExpressionError.
    """
    if name == "reduce":
        return _reduced(items, body, rest)
    answers = [body(item, index=index) for index, item in enumerate(items)]
    if name == "map":
        return answers
    if name == "sum":
        return sum(_flat(answers))
    if name == "groupBy":
        groups = Groups()
        for item, key in zip(items, answers, strict=True):
            groups.setdefault(key, []).append(item)
        return groups
    if name == "sortBy":
        order = sorted(range(len(items)), key=lambda at: answers[at], reverse=bool(rest) and rest[0] == "desc")
        return [items[at] for at in order]
    if not all(isinstance(answer, bool) for answer in answers):
        raise ExpressionError(f"{name}() needs a predicate that is true or false")
    chosen = [at for at, answer in enumerate(answers) if answer]
    results: dict[str, Callable[[], Any]] = {
        "all": lambda: len(chosen) == len(items),
        "any": lambda: bool(chosen),
        "none": lambda: not chosen,
        "one": lambda: len(chosen) == 1,
        "count": lambda: len(chosen),
        "filter": lambda: [items[at] for at in chosen],
        "find": lambda: items[chosen[0]] if chosen else None,
        "findIndex": lambda: chosen[0] if chosen else -1,
        "findLast": lambda: items[chosen[-1]] if chosen else None,
        "findLastIndex": lambda: chosen[-1] if chosen else -1,
    }
    return results[name]()


def _reduced(items: list[Any], body: Callable[..., Any], rest: list[Any]) -> Any:
    if not rest and not items:
        raise ExpressionError("reduce of an empty list with no initial value")
    result, start = (rest[0], 0) if rest else (items[0], 1)
    for index, item in enumerate(items[start:], start):
        result = body(item, acc=result, index=index)
    return result
