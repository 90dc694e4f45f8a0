"""withItems, withParam and withSequence: one step or task becomes several."""

import json
from typing import Any

from slipway_workflows.engine.arguments import StepError
from slipway_workflows.engine.texts import encode, fill


def expands(holder: dict[str, Any]) -> bool:
    """Whether it is a loop. A literal `withItems: []` is none, as on the real controller."""
    return bool(holder.get("withItems") or holder.get("withParam") or holder.get("withSequence") is not None)


def expand(holder: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps or tasks of a loop, named `name(0:item)`. Raises StepError for a withParam that is no JSON list."""
    bare = {key: value for key, value in holder.items() if key not in ("withItems", "withParam", "withSequence")}
    return [_with_item(bare, index, item) for index, item in enumerate(_items(holder))]


def _items(holder: dict[str, Any]) -> list[Any]:
    if holder.get("withItems"):
        return list(holder["withItems"])
    if holder.get("withSequence") is not None:
        return _sequence(holder["withSequence"])
    text = holder["withParam"]
    try:
        items = json.loads(text)
        if items is not None and not isinstance(items, list):
            raise ValueError("it is no list")
    except ValueError as error:
        raise StepError(f"withParam value could not be parsed as a JSON list: {text}: {error}") from error
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
        raise StepError(f"withSequence: {error} is no number") from error
    pattern = sequence.get("format")
    return [pattern % number if pattern else str(number) for number in numbers]


def _with_item(bare: dict[str, Any], index: int, item: Any) -> dict[str, Any]:
    scope: dict[str, str | None] = {"item": item_text(item)}
    if isinstance(item, dict):
        scope |= {f"item.{key}": item_text(value) for key, value in item.items()}
    result: dict[str, Any] = dict(fill(bare, scope))
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
