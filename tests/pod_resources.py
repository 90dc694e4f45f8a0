"""Validation of a pod's resources, as Kubernetes 1.34 does it and words its refusal."""

from typing import Any

from kubernetes.utils.quantity import parse_quantity

Object = dict[str, Any]


def invalid(name: str, pod: Object) -> str | None:
    """The message that refuses a pod of this name because it asks for more than its limits; None: it is valid."""
    found = []
    for field in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(field, [])):
            resources = container.get("resources") or {}
            limits = resources.get("limits") or {}
            for resource, asked in (resources.get("requests") or {}).items():
                limit = limits.get(resource)
                if limit is not None and parse_quantity(asked) > parse_quantity(limit):
                    found.append(
                        f'spec.{field}[{index}].resources.requests: Invalid value: "{asked}": '
                        f"must be less than or equal to {resource} limit of {limit}"
                    )
    listed = ", ".join(found)
    return f'Pod "{name}" is invalid: {f"[{listed}]" if len(found) > 1 else listed}' if found else None
