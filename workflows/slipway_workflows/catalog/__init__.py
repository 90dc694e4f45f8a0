"""What is installed on a cluster, one module each; `build()` of a module gives its template, or its objects.

Rules that each of them keeps (seen on the real controller):
`main.inputs` mirror `spec.arguments` by name and default, so that a template works alone and nested; inside, only
`inputs.*` is read; every output that a branch reads has a default; a branch reads it by a simple quoted tag.
"""

import importlib
import pkgutil
from typing import Any

from slipway_workflows.pod import PENDING_TIMEOUT
from slipway_workflows.strict_hera import CronWorkflow, WorkflowTemplate

SHARED = {"parts"}
"""Modules here that build nothing."""


def _built() -> list[Any]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)
    return [importlib.import_module(f"{__name__}.{name}").build() for name in names]


def templates() -> dict[str, WorkflowTemplate]:
    """Every WorkflowTemplate of the catalog by name."""
    return {str(one.name): one for one in _built() if isinstance(one, WorkflowTemplate)}


def objects() -> dict[str, dict[str, Any]]:
    """Every object of the catalog as Kubernetes takes it, by the name of its file."""
    found: dict[str, dict[str, Any]] = {}
    for one in _built():
        for item in one if isinstance(one, list) else [one]:
            manifest: dict[str, Any] = item.to_dict() if isinstance(item, WorkflowTemplate | CronWorkflow) else item
            _limit_waiting(manifest)
            found[_file(manifest)] = manifest
    return found


def _limit_waiting(manifest: dict[str, Any]) -> None:
    """Gives every pod template its `pendingTimeout`: the field came with Argo 4.1, and Hera's models are of 4.0."""
    if manifest["kind"] == "WorkflowTemplate":
        for template in manifest["spec"]["templates"]:
            if "container" in template:
                template["pendingTimeout"] = PENDING_TIMEOUT


def _file(manifest: dict[str, Any]) -> str:
    """What people start is called by its name; the rest also by its kind and, outside our own, its namespace."""
    name, kind = str(manifest["metadata"]["name"]), str(manifest["kind"])
    if kind in ("WorkflowTemplate", "CronWorkflow"):
        return name
    namespace = manifest["metadata"]["namespace"]
    place = "" if namespace == "slipway" else f"-{namespace}"
    return f"{kind.lower()}-{name.removeprefix('slipway-')}{place}"
