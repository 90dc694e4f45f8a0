"""The WorkflowTemplates, one module each; `build()` of a module gives its template.

Rules that each of them keeps (seen on the real controller):
`main.inputs` mirror `spec.arguments` by name and default, so that a template works alone and nested; inside, only
`inputs.*` is read; every output that a branch reads has a default; a branch reads it by a simple quoted tag.
"""

import importlib
import pkgutil

from slipway_workflows.strict_hera import WorkflowTemplate

SHARED = {"parts"}
"""Modules here that are no template."""


def templates() -> dict[str, WorkflowTemplate]:
    """Every WorkflowTemplate of the catalog by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)
    built = (importlib.import_module(f"{__name__}.{name}").build() for name in names)
    return {str(template.name): template for template in built}
