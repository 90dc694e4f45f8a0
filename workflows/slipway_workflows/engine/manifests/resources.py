"""What a resource template has to say before anything runs."""

from typing import Any

ACTIONS = ("get", "create", "apply", "patch", "delete")


def resource_fault(resource: dict[str, Any], where: str) -> str:
    """What is wrong with a resource template before anything runs, or ""."""
    if where not in ("files", "cluster"):
        return (
            "a resource template needs objects: set SLIPWAY_RESOURCES=files, or =cluster to let it change your cluster"
        )
    if resource.get("action") not in ACTIONS:
        return f"action {resource.get('action')!r} is not one of {', '.join(ACTIONS)}"
    return "" if resource.get("manifest") else "a manifest is required"
