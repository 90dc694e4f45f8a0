"""Checks a resource template before anything runs."""

from typing import Any

ACTIONS = ("get", "create", "apply", "patch", "delete")


def resource_fault(resource: dict[str, Any], where: str) -> str:
    """A message that says what is wrong with a resource template, or "". `where`: as `Library.resources`."""
    if where not in ("files", "cluster"):
        return (
            "a resource template is only run if you say where its objects are: set SLIPWAY_RESOURCES=files, or "
            "SLIPWAY_RESOURCES=cluster to let it change your cluster"
        )
    if resource.get("action") not in ACTIONS:
        return f"action {resource.get('action')!r} is not one of {', '.join(ACTIONS)}"
    return "" if resource.get("manifest") else "a manifest is required"
