"""The modes of performance tests: those that Slipway brings, one file each, and those of other packages."""

from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from slipway_steps.domain.errors import BadInput
from slipway_steps.perf.runner import Runner

GROUP = "slipway.perf.modes"
"""The entry point group of modes that other packages bring."""
SHIPPED = {
    "PIPELINE_RUN": "pipeline_run:PipelineRun",
    "EXPERIMENT": "experiment:Experiment",
    "RANDOM_GETS": "random_gets:RandomGets",
    "SCHEDULED_RUNS": "scheduled_runs:ScheduledRuns",
    "LARGE_DATASET": "large_dataset:LargeDataset",
}


def mode_names() -> Collection[str]:
    """The names of all modes."""
    return [*SHIPPED, *_others()]


def mode_of(name: str) -> type[Runner]:
    """The mode of that name, imported now.

    Raises BadInput where there is none, or where that of another package cannot be imported or is no Runner.
    """
    if name in SHIPPED:
        module, class_name = SHIPPED[name].split(":")
        shipped: type[Runner] = getattr(import_module(f"{__name__}.{module}"), class_name)
        return shipped
    entry = _others().get(name)
    if entry is None:
        raise BadInput(f"there is no mode {name!r}", f"modes: {', '.join(mode_names())}")
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever its module raises
        raise BadInput(
            f"mode {name} ({entry.value}) cannot be imported: {error!r}", "repair or uninstall it"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Runner)):
        raise BadInput(f"mode {name} ({entry.value}) is no subclass of slipway_steps.perf.runner.Runner", "repair it")
    return found


def _others() -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
