"""The common functions of the library sprig, called as `sprig.name(...)`. As in Argo, those that read environment
variables do not exist.
"""

import base64
import hashlib
import json
import math
import posixpath
import random
import re
import string
import textwrap
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.sprig_regular import REGULAR
from slipway_workflows.engine.language.exprlang.times import (
    Duration,
    duration_between,
    layout_text,
    parse_time,
    time_zone,
)
from slipway_workflows.engine.language.exprlang.values import equal, is_number, to_json
from slipway_workflows.engine.language.golang import text_of


def _int(value: Any) -> int:
    """An integer as sprig converts it: a value that is not a number becomes 0."""
    try:
        return int(value, 0) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        return 0


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _empty(value: Any) -> bool:
    return (
        value is None
        or value is False
        or (is_number(value) and value == 0)
        or (isinstance(value, str | list | Mapping) and not value)
    )


def _when(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if is_number(value):
        return datetime.fromtimestamp(value, UTC)
    return datetime.now(UTC)  # as in sprig, any other value, a text too, means the present time


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+", text)


def _substr(start: int, end: int, text: str) -> str:
    return text[:end] if start < 0 else text[start:] if end < 0 or end > len(text) else text[start:end]


def _trunc(length: int, text: str) -> str:
    return text[length:] if length < 0 and len(text) + length > 0 else text[:length] if length >= 0 else text


def _abbreviated(width: int, text: str) -> str:
    return text if len(text) <= width or width < 4 else text[: width - 3] + "..."


def _joined(by: str, values: Any) -> str:
    return by.join(text_of(value) for value in values if value is not None)


def _dig(*arguments: Any) -> Any:
    *keys, default, place = arguments
    for key in keys:
        if not isinstance(place, Mapping) or key not in place:
            return default
        place = place[key]
    return place


def _merged(*maps: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for one in maps:
        for key, value in one.items():
            result.setdefault(key, value)
    return result


def _ceiled_round(value: Any, places: int, on: float = 0.5) -> float:
    scaled = _float(value) * 10**places
    whole = math.floor(scaled)
    return float((whole + 1 if scaled - whole >= on else whole) / 10**places)


def _unique(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(equal(value, other) for other in found):
            found.append(value)
    return found


def _divided(left: int, right: int) -> int:
    """Go's division of integers, which truncates towards zero."""
    if right == 0:
        raise ExpressionError("integer divide by zero")
    return abs(left) // abs(right) * (1 if (left < 0) is (right < 0) else -1)


def _failed(message: str) -> Any:
    raise ExpressionError(message)


def _random(alphabet: str) -> Callable[[int], str]:
    return lambda length: "".join(random.SystemRandom().choice(alphabet) for _ in range(length))


TEXT: dict[str, Callable[..., Any]] = {
    "trim": lambda text: text.strip(),
    "trimAll": lambda cut, text: text.strip(cut),
    "trimPrefix": lambda prefix, text: text.removeprefix(prefix),
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "title": lambda text: re.sub(r"\b\w", lambda m: m.group().upper(), text),
    "untitle": lambda text: re.sub(r"\b\w", lambda m: m.group().lower(), text),
    "swapcase": lambda text: text.swapcase(),
    "repeat": lambda times, text: text * times,
    "substr": _substr,
    "nospace": lambda text: re.sub(r"\s", "", text),
    "trunc": _trunc,
    "abbrev": _abbreviated,
    "initials": lambda text: "".join(word[0] for word in text.split()),
    "wrap": lambda width, text: "\n".join(textwrap.wrap(text, width)),
    "contains": lambda part, text: part in text,
    "hasPrefix": lambda prefix, text: text.startswith(prefix),
    "hasSuffix": lambda suffix, text: text.endswith(suffix),
    "quote": lambda *values: " ".join(json.dumps(text_of(v), ensure_ascii=False) for v in values if v is not None),
    "squote": lambda *values: " ".join(f"'{text_of(v)}'" for v in values if v is not None),
    "cat": lambda *values: " ".join(text_of(v) for v in values if v is not None),
    "indent": lambda spaces, text: " " * spaces + text.replace("\n", "\n" + " " * spaces),
    "nindent": lambda spaces, text: "\n" + " " * spaces + text.replace("\n", "\n" + " " * spaces),
    "replace": lambda old, new, text: text.replace(old, new),
    "plural": lambda one, many, count: one if count == 1 else many,
    "snakecase": lambda text: "_".join(_words(text)).lower(),
    "kebabcase": lambda text: "-".join(_words(text)).lower(),
    "camelcase": lambda text: "".join(word.capitalize() for word in _words(text)),
    "toString": text_of,
    "toStrings": lambda values: [text_of(value) for value in values],
    "split": lambda by, text: {f"_{at}": part for at, part in enumerate(text.split(by))},
    "splitList": lambda by, text: text.split(by),
    "join": _joined,
    "sortAlpha": lambda values: sorted(text_of(value) for value in values),
    **REGULAR,
    "b64enc": lambda text: base64.b64encode(text.encode()).decode(),
    "b64dec": lambda text: base64.b64decode(text).decode(),
    "b32enc": lambda text: base64.b32encode(text.encode()).decode(),
    "b32dec": lambda text: base64.b32decode(text).decode(),
    "sha1sum": lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "sha512sum": lambda text: hashlib.sha512(text.encode()).hexdigest(),
    "base": lambda text: posixpath.basename(text.rstrip("/")) or ("/" if text else "."),
    "dir": lambda text: posixpath.normpath(posixpath.dirname(text)),
    "clean": posixpath.normpath,
    "ext": lambda text: posixpath.splitext(text)[1],
    "isAbs": posixpath.isabs,
    "uuidv4": lambda: str(uuid.uuid4()),
    "randAlphaNum": _random(string.ascii_letters + string.digits),
    "randAlpha": _random(string.ascii_letters),
    "randNumeric": _random(string.digits),
}
NUMBERS: dict[str, Callable[..., Any]] = {
    "atoi": _int,
    "int": _int,
    "int64": _int,
    "float64": _float,
    "toDecimal": lambda text: int(text, 8),
    "add": lambda *values: sum(map(_int, values)),
    "add1": lambda value: _int(value) + 1,
    "sub": lambda left, right: _int(left) - _int(right),
    "mul": lambda *values: math.prod(map(_int, values)),
    "div": lambda left, right: _divided(_int(left), _int(right)),
    "mod": lambda left, right: _int(left) - _int(right) * _divided(_int(left), _int(right)),
    "addf": lambda *values: sum(map(_float, values)),
    "add1f": lambda value: _float(value) + 1,
    "subf": lambda first, *values: _float(first) - sum(map(_float, values)),
    "mulf": lambda *values: math.prod(map(_float, values)),
    "divf": lambda first, *values: _float(first) / math.prod(map(_float, values)),
    "max": lambda *values: max(map(_int, values)),
    "min": lambda *values: min(map(_int, values)),
    "maxf": lambda *values: max(map(_float, values)),
    "minf": lambda *values: min(map(_float, values)),
    "floor": lambda value: float(math.floor(_float(value))),
    "ceil": lambda value: float(math.ceil(_float(value))),
    "round": _ceiled_round,
    "until": lambda count: list(range(0, count, 1 if count >= 0 else -1)),
    "untilStep": lambda start, stop, step: list(range(start, stop, step)) if step else [],
    "seq": lambda *bounds: " ".join(map(str, range(1 if len(bounds) == 1 else bounds[0], bounds[-1] + 1))),
}
VALUES: dict[str, Callable[..., Any]] = {
    "default": lambda default, value=None: default if _empty(value) else value,
    "empty": _empty,
    "coalesce": lambda *values: next((value for value in values if not _empty(value)), None),
    "all": lambda *values: not any(map(_empty, values)),
    "any": lambda *values: not all(map(_empty, values)),
    "ternary": lambda yes, no, condition: yes if condition else no,
    "fail": _failed,
    "toJson": to_json,
    "toPrettyJson": lambda value: to_json(value, indent=2),
    "toRawJson": lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    "fromJson": lambda text: json.loads(text, parse_int=float),
    "kindOf": lambda value: {str: "string", bool: "bool", int: "int", float: "float64", list: "slice"}.get(
        type(value), "map"
    ),
    "list": lambda *values: list(values),
    "tuple": lambda *values: list(values),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "rest": lambda values: values[1:],
    "initial": lambda values: values[:-1],
    "append": lambda values, value: [*values, value],
    "prepend": lambda values, value: [value, *values],
    "concat": lambda *lists: [item for items in lists for item in items],
    "reverse": lambda values: values[::-1],
    "uniq": _unique,
    "without": lambda values, *gone: [value for value in values if not any(equal(value, g) for g in gone)],
    "has": lambda value, values: any(equal(value, other) for other in values or []),
    "compact": lambda values: [value for value in values if not _empty(value)],
    "slice": lambda values, start=0, end=None: values[start:end],
    "dict": lambda *pairs: {text_of(key): value for key, value in zip(pairs[::2], [*pairs[1::2], ""], strict=False)},
    "get": lambda of, key: of.get(key, ""),
    "set": lambda of, key, value: {**of, key: value},
    "unset": lambda of, key: {name: value for name, value in of.items() if name != key},
    "hasKey": lambda of, key: key in of,
    "keys": lambda *maps: [key for one in maps for key in sorted(one)],
    "values": lambda of: [of[key] for key in sorted(of)],
    "pick": lambda of, *keys: {key: of[key] for key in keys if key in of},
    "omit": lambda of, *keys: {key: value for key, value in of.items() if key not in keys},
    "pluck": lambda key, *maps: [one[key] for one in maps if key in one],
    "dig": _dig,
    "merge": _merged,
    "mergeOverwrite": lambda *maps: _merged(*reversed(maps)),
}
TIMES: dict[str, Callable[..., Any]] = {
    "now": lambda: datetime.now(UTC),
    "date": lambda layout, value: layout_text(_when(value), layout),
    "dateInZone": lambda layout, value, zone: layout_text(_when(value).astimezone(time_zone(zone)), layout),
    "date_in_zone": lambda layout, value, zone: layout_text(_when(value).astimezone(time_zone(zone)), layout),
    "dateModify": lambda change, value: _when(value) + Duration.parse(change).delta,
    "date_modify": lambda change, value: _when(value) + Duration.parse(change).delta,
    "htmlDate": lambda value: layout_text(_when(value), "2006-01-02"),
    "htmlDateInZone": lambda value, zone: layout_text(_when(value).astimezone(time_zone(zone)), "2006-01-02"),
    "toDate": lambda layout, text: parse_time(text, layout),
    "unixEpoch": lambda value: str(int(_when(value).timestamp())),
    "duration": lambda seconds: str(Duration(_int(seconds) * 10**9)),
    "ago": lambda value: str(Duration(duration_between(datetime.now(UTC), _when(value)).nanoseconds // 10**9 * 10**9)),
}
SPRIG: dict[str, Callable[..., Any]] = {**TEXT, **NUMBERS, **VALUES, **TIMES}
