"""Runs Argo Workflows' YAML as processes on one machine; it reads manifests and knows nothing of who made them."""

from slipway_workflows.engine.manifests.library import Library, load, main_object
from slipway_workflows.engine.prepare import prepare, prepare_retry
from slipway_workflows.engine.run.run import Options, Run
from slipway_workflows.engine.state.events import Event
from slipway_workflows.engine.state.waits import Summary, resume, stop, stored, waiting, workflows

__all__ = [
    "Event",
    "Library",
    "Options",
    "Run",
    "Summary",
    "load",
    "main_object",
    "prepare",
    "prepare_retry",
    "resume",
    "stop",
    "stored",
    "waiting",
    "workflows",
]
