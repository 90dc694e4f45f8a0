"""Reads values whose type is not certain, so that a rule does not fail on a malformed file."""

from collections.abc import Iterator
from typing import Any

from slipway_workflows.findings.lines import FieldPath


def dicts(value: Any) -> list[dict[str, Any]]:
    """The maps in a list; [] where `value` is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a map, else {}."""
    return value if isinstance(value, dict) else {}


def strings(value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, str]]:
    """All strings inside a value, each with its path. path: of the value itself."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, (*path, index))
