"""Loops: `withItems`, `withParam` and `withSequence` make several steps or tasks of one."""

import json
from typing import Any

from slipway_workflows.engine.errors import ExpressionError, NodeError
from slipway_workflows.engine.language import govaluate
from slipway_workflows.engine.language.go_format import format_integer
from slipway_workflows.engine.language.texts import encode, fill

LARGEST_SEQUENCE = 100_000
"""The most items of a `withSequence`: each becomes a node, and all of them are held in memory."""


def expands(caller: dict[str, Any]) -> bool:
    """Whether a step or task is a loop. As in Argo's controller, one with `withItems: []` is not."""
    return bool(caller.get("withItems") or caller.get("withParam") or caller.get("withSequence") is not None)


def expand(caller: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps or tasks that a loop becomes, one for each item, named `name(0:item)`.

    Raises NodeError for a `withParam` that is not a JSON list, or a `withSequence` that is not made of numbers or has
    more than LARGEST_SEQUENCE items; if the
    `when` of the loop is false anyway, such a loop becomes no steps instead.
    """
    bare = {key: value for key, value in caller.items() if key not in ("withItems", "withParam", "withSequence")}
    try:
        items = _items(caller)
    except NodeError:
        if not _is_false(caller.get("when")):
            raise
        items = []
    return [_with_item(bare, index, item) for index, item in enumerate(items)]


def _is_false(when: str | None) -> bool:
    try:
        return bool(when) and not govaluate.evaluate(str(when))
    except ExpressionError:
        return False


def _items(caller: dict[str, Any]) -> list[Any]:
    if caller.get("withItems"):
        return list(caller["withItems"])
    if caller.get("withSequence") is not None:
        return _sequence(caller["withSequence"])
    text = caller["withParam"]
    try:
        items = json.loads(text)
        if items is not None and not isinstance(items, list):
            raise ValueError("it is not a list")
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
        raise NodeError(f"withSequence: {error} is not a number") from error
    # the difference of its ends, because len() of a range has to fit into 64 bits
    if abs(numbers.stop - numbers.start) > LARGEST_SEQUENCE:
        raise NodeError(f"withSequence: from {numbers.start} on there are more than {LARGEST_SEQUENCE} items")
    pattern = sequence.get("format")
    return [format_integer(pattern, number) if pattern else str(number) for number in numbers]


def _with_item(bare: dict[str, Any], index: int, item: Any) -> dict[str, Any]:
    values: dict[str, str | None] = {"item": item_text(item)}
    if isinstance(item, dict):
        values |= {f"item.{key}": item_text(value) for key, value in item.items()}
    result: dict[str, Any] = dict(fill(bare, values))
    result["name"] = f"{bare['name']}({index}:{_label(item)})"
    return result


def _label(item: Any) -> str:
    """An item as part of its node's name, as in Argo: lists as Go prints them, and without parentheses."""
    if isinstance(item, dict):
        label = ",".join(sorted(f"{key}:{item_text(value)}" for key, value in item.items()))
    elif isinstance(item, list):
        label = f"[{' '.join(item_text(entry) for entry in item)}]"
    else:
        label = item_text(item)
    return label.replace("(", "").replace(")", "")


def item_text(item: Any) -> str:
    """An item as Argo fills it in for `{{item}}`: strings without quotes, 1.0 as 1, all other values as JSON."""
    if isinstance(item, str):
        return item
    if isinstance(item, float):
        return json.dumps(int(item) if item.is_integer() else item)
    return encode(item)
