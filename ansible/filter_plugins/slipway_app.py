"""The filter that renames the app in the objects of workflows/manifests."""

import re
from collections.abc import Callable
from typing import Any

ENVIRONMENTS = "staging|canary|production"
"""Those that the manifests know."""


def slipway_app(objects: list[Any], old: str, new: str) -> list[Any]:
    """The objects with the app `new` instead of `old` wherever `<old>-<environment>` occurs: in namespaces, names and
    addresses.
    """
    name = re.compile(rf"(?<![\w-]){re.escape(old)}-(?={ENVIRONMENTS})")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return name.sub(f"{new}-", value) if isinstance(value, str) else value

    return [renamed(one) for one in objects]


class FilterModule:
    """The class by which Ansible finds the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by the names that playbooks use."""
        return {"slipway_app": slipway_app}
