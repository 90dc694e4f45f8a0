"""withItems, withParam and withSequence: one step or task becomes several."""

import json
from typing import Any

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.go_format import format_integer
from slipway_workflows.engine.language.texts import encode, fill


def expands(caller: dict[str, Any]) -> bool:
    """Whether it is a loop. A literal `withItems: []` is none, as on the real controller."""
    return bool(caller.get("withItems") or caller.get("withParam") or caller.get("withSequence") is not None)


def expand(caller: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps or tasks of a loop, named `name(0:item)`. Raises NodeError for a withParam that is no JSON list."""
    bare = {key: value for key, value in caller.items() if key not in ("withItems", "withParam", "withSequence")}
    return [_with_item(bare, index, item) for index, item in enumerate(_items(caller))]


def _items(caller: dict[str, Any]) -> list[Any]:
    if caller.get("withItems"):
        return list(caller["withItems"])
    if caller.get("withSequence") is not None:
        return _sequence(caller["withSequence"])
    text = caller["withParam"]
    try:
        items = json.loads(text)
        if items is not None and not isinstance(items, list):
            raise ValueError("it is no list")
    except ValueError as error:
        raise NodeError(f"withParam value could not be parsed as a JSON list: {text}: {error}") from error
    return items or []


def _sequence(sequence: dict[str, Any]) -> list[str]:
    try:
        start = int(sequence.get("start") or 0)
        if sequence.get("count") is not None:
            count = int(sequence["count"])
            numbers = range(start, start + count)
        else:
            end = int(sequence["end"])
            numbers = range(start, end + 1) if start <= end else range(start, end - 1, -1)
    except (KeyError, ValueError) as error:
        raise NodeError(f"withSequence: {error} is no number") from error
    pattern = sequence.get("format")
    return [format_integer(pattern, number) if pattern else str(number) for number in numbers]


def _with_item(bare: dict[str, Any], index: int, item: Any) -> dict[str, Any]:
    values: dict[str, str | None] = {"item": item_text(item)}
    if isinstance(item, dict):
        values |= {f"item.{key}": item_text(value) for key, value in item.items()}
    result: dict[str, Any] = dict(fill(bare, values))
    if isinstance(item, dict):
        label = ",".join(f"{key}:{item_text(item[key])}" for key in sorted(item))
    else:
        label = item_text(item)
    result["name"] = f"{bare['name']}({index}:{label})"
    return result


def item_text(item: Any) -> str:
    """An item as Argo substitutes it: strings bare, numbers as Go prints them, the rest as JSON."""
    if isinstance(item, str):
        return item
    if isinstance(item, float):
        return json.dumps(int(item) if item.is_integer() else item)
    return encode(item)
