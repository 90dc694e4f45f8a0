"""How a Kubernetes API server merges a patch into an object."""

import copy
from typing import Any

Object = dict[str, Any]


def merged(old: Any, new: Any, by_name: bool = False) -> Any:
    """`old` with `new` merged into it: null removes, lists are replaced, or with `by_name` merged by their names."""
    if isinstance(new, dict):
        result = dict(old) if isinstance(old, dict) else {}
        for key, value in new.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merged(result.get(key), value, by_name)
        return result
    if by_name and isinstance(new, list) and isinstance(old, list) and _named(new) and _named(old):
        items = {item["name"]: item for item in old}
        for item in new:
            items[item["name"]] = merged(items.get(item["name"]), item, by_name)
        return list(items.values())
    return copy.deepcopy(new)


def _named(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "name" in item for item in items)


def without(value: Object, before: Object, now: Object) -> Object:
    """`value` less the fields that its manager named `before` and does not name `now`."""
    result = dict(value)
    for key, old in before.items():
        if key not in now:
            result.pop(key, None)
        elif isinstance(old, dict) and isinstance(now[key], dict) and isinstance(result.get(key), dict):
            result[key] = without(result[key], old, now[key])
    return result
