"""The local engine: runs the YAML of Argo Workflows as processes on one machine.

It reads manifests and knows nothing of the catalog they were made from. `prepare` makes a `Run`, `Run.execute` runs it;
`stored_runs` and its neighbours are for other processes that look at runs.
"""

from slipway_workflows.engine.manifests.library import Library, load, main_object
from slipway_workflows.engine.prepare import prepare, prepare_retry
from slipway_workflows.engine.run.run import Options, Run
from slipway_workflows.engine.state.events import log_file
from slipway_workflows.engine.state.stored_runs import (
    StoredRun,
    damaged_runs,
    resume,
    stop,
    stored_run,
    stored_runs,
    waiting_runs,
)

__all__ = [
    "Library",
    "Options",
    "Run",
    "StoredRun",
    "damaged_runs",
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
