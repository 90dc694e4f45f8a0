"""Runs Argo Workflow YAML on one machine: templates become a node tree as in Argo, containers become processes."""

from slipway_workflows.engine.library import Library, load, main_object
from slipway_workflows.engine.run import Options, Run, prepare
from slipway_workflows.engine.store import resume, waiting
from slipway_workflows.engine.tree import Event

__all__ = ["Event", "Library", "Options", "Run", "load", "main_object", "prepare", "resume", "waiting"]
