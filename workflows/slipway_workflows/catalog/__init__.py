"""The catalog: the workflow templates and other objects that are installed on a cluster.

Each module has a function `build()`, which returns its template or a list of its objects. Every template keeps these
rules, which come from the behaviour of the real controller:

- `main.inputs` has the names and defaults of `spec.arguments`, so that the template works both alone and nested.
- Templates read only `inputs.*`, never `workflow.parameters`.
- Every output that a branch reads has a default, and the branch reads it by a simple tag in quotes.
"""

import importlib
import pkgutil
from typing import Any

from slipway_workflows.pod import PENDING_TIMEOUT
from slipway_workflows.strict_hera import CronWorkflow, WorkflowTemplate

SHARED = {"nightly", "parts"}
"""Modules of this package that have no `build()`."""


def _built() -> list[Any]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)
    return [importlib.import_module(f"{__name__}.{name}").build() for name in names]


def templates() -> dict[str, WorkflowTemplate]:
    """Every WorkflowTemplate of the catalog by name."""
    return {str(one.name): one for one in _built() if isinstance(one, WorkflowTemplate)}


def objects() -> dict[str, dict[str, Any]]:
    """The manifest of every object of the catalog, by the name of its file without `.yaml`."""
    found: dict[str, dict[str, Any]] = {}
    for one in _built():
        for item in one if isinstance(one, list) else [one]:
            manifest: dict[str, Any] = item.to_dict() if isinstance(item, WorkflowTemplate | CronWorkflow) else item
            _limit_waiting(manifest)
            found[_file(manifest)] = manifest
    return found


def _limit_waiting(manifest: dict[str, Any]) -> None:
    """Set `pendingTimeout` in every pod template. The field is new in Argo 4.1, and Hera's models are those of 4.0."""
    if manifest["kind"] == "WorkflowTemplate":
        for template in manifest["spec"]["templates"]:
            if "container" in template:
                template["pendingTimeout"] = PENDING_TIMEOUT


def _file(manifest: dict[str, Any]) -> str:
    """The file name of a manifest without `.yaml`.

    For a template or CronWorkflow it is the name of the object. For other objects the kind comes before the name, and
    the namespace, if it is not `slipway`, after it.
    """
    name, kind = str(manifest["metadata"]["name"]), str(manifest["kind"])
    if kind in ("WorkflowTemplate", "CronWorkflow"):
        return name
    namespace = manifest["metadata"]["namespace"]
    suffix = "" if namespace == "slipway" else f"-{namespace}"
    return f"{kind.lower()}-{name.removeprefix('slipway-')}{suffix}"
