"""Makes of an IR pipeline what a performance test submits, and of a run that Kubeflow Pipelines has kept its sample."""

import copy
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from slipway_steps.adapters.targets.pod_phases import Piece, phases_of_step
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Phase, RunOutcome, RunSample
from slipway_steps.domain.perf_until import read_end

Object = dict[str, Any]
OUTCOMES = {"SUCCEEDED": RunOutcome.SUCCEEDED, "SKIPPED": RunOutcome.SUCCEEDED, "FAILED": RunOutcome.FAILED}
ENDED = (*OUTCOMES, "CANCELED")
DESCRIPTION = "A performance test of Slipway. Session {session} may run until {until}."
DESCRIBED = re.compile(r"A performance test of Slipway\. Session (\S+) may run until (\S+(?: \S+)?)\.")
KINDS = {"NUMBER_DOUBLE": float, "NUMBER_INTEGER": int}
"""Parameter type of the IR -> what its text becomes; others stay text, or are JSON (booleans, lists, structs)."""


def description_of(session: str, until: str) -> str:
    """The description of an experiment, as Kubeflow Pipelines knows no labels. until: see `perf_until`."""
    return DESCRIPTION.format(session=session, until=until)


def described_session(description: str, owner: str = "") -> tuple[str, float] | None:
    """The session that a description names, and until when it may run (Unix seconds); None for another description.
    owner: see `read_end`.
    """
    found = DESCRIBED.fullmatch(description)
    return (found[1], read_end(found[2], owner)) if found else None


def session_pipeline(ir: Object, scenario: PerfScenario) -> Object:
    """The pipeline with the scenario's limits, and without caching: a second run would take the results of the first.

    Raises BadInput for parameters that the pipeline does not have.
    """
    made = copy.deepcopy(ir)
    typed_parameters(made, scenario.parameters)
    for component in (made["root"], *(made.get("components") or {}).values()):
        for task in ((component.get("dag") or {}).get("tasks") or {}).values():
            task["cachingOptions"] = {"enableCache": False}
    limits = scenario.resource_limits
    wanted = {"resourceCpuLimit": limits.cpu, "resourceMemoryLimit": limits.memory}
    for executor in ((made.get("deploymentSpec") or {}).get("executors") or {}).values():
        if "container" in executor:
            resources = executor["container"].setdefault("resources", {})
            resources |= {name: value for name, value in wanted.items() if value}
            if not resources:
                del executor["container"]["resources"]
    return made


def typed_parameters(ir: Mapping[str, Any], given: Mapping[str, str]) -> Object:
    """The values of parameters in the types that the pipeline declares. Raises BadInput for an unknown name, and for a
    text that is no number.
    """
    declared = ((ir["root"].get("inputDefinitions") or {}).get("parameters")) or {}
    unknown = [name for name in given if name not in declared]
    if unknown:
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        raise BadInput(f"the pipeline has no parameter {', '.join(unknown)}", known)
    values = {}
    for name, text in given.items():
        kind = str(declared[name].get("parameterType", "STRING"))
        try:
            values[name] = text if kind == "STRING" else KINDS.get(kind, json.loads)(text)
        except ValueError as error:
            raise BadInput(f"parameter {name}: {text!r} is no {kind}", "correct the scenario") from error
    return values


def component_names(ir: Mapping[str, Any]) -> set[str]:
    """The names of the tasks that run a container: in the pipeline, and those for people, which may differ."""
    components = ir.get("components") or {}
    return {
        str(name)
        for owner in (ir["root"], *components.values())
        for key, task in ((owner.get("dag") or {}).get("tasks") or {}).items()
        if "executorLabel" in components.get((task.get("componentRef") or {}).get("name"), {})
        for name in (key, (task.get("taskInfo") or {}).get("name"))
        if name
    }


def pod_names(run: Any, components: Collection[str]) -> set[str]:
    """How a V2beta1Run names the pods of these tasks: a task names its own, or those of the tasks it is made of."""
    return _pods_of(run, {name for task in _tasks(run) if task.display_name in components for name in _own_pods(task)})


def _pods_of(run: Any, found: set[str]) -> set[str]:
    """Names of pods, with those of the tasks that they stand for."""
    tasks = _tasks(run)
    while more := {name for task in tasks if task.pod_name in found for name in _own_pods(task)} - found:
        found = found | more
    return found


def _own_pods(task: Any) -> set[str]:
    return {name for name in (task.pod_name, *(one.pod_name for one in task.child_tasks or [])) if name}


def sample_of(
    run: Any,
    components: Collection[str],
    submitted: float | None,
    ended: float | None,
    more: Mapping[str, float] | None = None,
    pods: Collection[PodTimes] = (),
) -> RunSample:
    """The sample of a V2beta1Run. `components`: names of the tasks that count; empty: all that have a pod. submitted,
    ended: by the client's clock; None: by the server's. more: metrics that were measured elsewhere.
    pods: of these tasks, as far as they were seen.
    """
    created, finished = run.created_at.timestamp(), _seconds(run.finished_at)
    began = next((_seconds(one.update_time) for one in run.state_history or [] if one.state == "RUNNING"), None)
    outcome = OUTCOMES.get(run.state, RunOutcome.UNFINISHED)
    steps = sorted(_steps(run, components), key=lambda step: step[:3])
    times: dict[str, float] = {}
    for start, stop, name, _ in steps:
        times[name] = times.get(name, 0.0) + stop - start
    gaps = list(_gaps(steps))
    begin = created if submitted is None else submitted
    end = finished if submitted is None else ended
    metrics = dict(more or {})
    if steps:
        metrics["between-steps"] = sum(stop - start for start, stop in gaps)
    if began is not None:
        metrics["queue"] = max(began - created, 0.0)
    if outcome is not RunOutcome.UNFINISHED and end is not None:
        metrics[END_TO_END] = end - begin
    phases: list[Piece] = [("queue", created, began, ""), *(("between-steps", *gap, "") for gap in gaps)]
    for start, stop, name, own in steps:
        # a task of several pods, such as one that was tried again, is drawn as one piece
        seen = [pod for pod in pods if {pod.name, pod.node_id} & own]
        phases += phases_of_step(name, start, stop, seen[0] if len(seen) == 1 else None)
    return RunSample(
        run=run.run_id,
        started=begin,
        outcome=outcome,
        message=run.error.message or "" if run.error else "",
        metrics=metrics,
        components=times,
        phases=[
            Phase(name=name, start=start - created, end=stop - created, component=component)
            for name, start, stop, component in phases
            if start is not None and stop is not None and stop > start
        ],
    )


def _seconds(at: Any) -> float | None:
    """Unix seconds; None for no time, and for the epoch, which the server writes for a time that is not set."""
    return at.timestamp() if at is not None and at.year > 1970 else None


def _tasks(run: Any) -> list[Any]:
    return (run.run_details.task_details if run.run_details else None) or []


def _steps(run: Any, components: Collection[str]) -> Iterator[tuple[float, float, str, set[str]]]:
    """Start and end in Unix seconds, the name, and the names of the pods of each task that counts and has ended."""
    for task in _tasks(run):
        start, end = _seconds(task.start_time), _seconds(task.end_time)
        wanted = task.display_name in components if components else bool(task.pod_name)
        if wanted and start is not None and end is not None:
            yield start, end, task.display_name, _pods_of(run, _own_pods(task))


def _gaps(steps: list[tuple[float, float, str, set[str]]]) -> Iterator[tuple[float, float]]:
    reached = steps[0][0] if steps else 0.0
    for start, end, *_ in steps:
        if start > reached:
            yield reached, start
        reached = max(reached, end)
