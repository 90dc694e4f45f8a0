"""The filter that gives the objects of workflows/manifests the name of another app."""

import re
from collections.abc import Callable
from typing import Any

ENVIRONMENTS = "staging|canary|production"
"""Those that the manifests know."""


def slipway_app(objects: list[Any], old: str, new: str) -> list[Any]:
    """The objects with `new` for `old` wherever `<old>-<environment>` stands: in namespaces, names and addresses."""
    name = re.compile(rf"(?<![\w-]){re.escape(old)}-(?={ENVIRONMENTS})")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return name.sub(f"{new}-", value) if isinstance(value, str) else value

    return [renamed(one) for one in objects]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name in a playbook -> function."""
        return {"slipway_app": slipway_app}
