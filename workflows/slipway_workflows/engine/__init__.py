"""Runs Argo Workflows' YAML as processes on one machine; it reads manifests and knows nothing of who made them."""

from slipway_workflows.engine.manifests.library import Library, load, main_object
from slipway_workflows.engine.prepare import prepare, prepare_retry
from slipway_workflows.engine.run.run import Options, Run
from slipway_workflows.engine.state.events import log_file
from slipway_workflows.engine.state.stored_runs import StoredRun, resume, stop, stored_run, stored_runs, waiting_runs

__all__ = [
    "Library",
    "Options",
    "Run",
    "StoredRun",
    "load",
    "log_file",
    "main_object",
    "prepare",
    "prepare_retry",
    "resume",
    "stop",
    "stored_run",
    "stored_runs",
    "waiting_runs",
]
