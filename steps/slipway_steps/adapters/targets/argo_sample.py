"""Makes of a Workflow as Argo stores it, and of what was seen of its pods, the sample of a run."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from slipway_steps.adapters.kubernetes.pods import seconds
from slipway_steps.adapters.targets.argo_manifest import TEMPLATE_LABEL
from slipway_steps.adapters.targets.pod_phases import Piece, phases_of_step
from slipway_steps.adapters.targets.pod_times import PodTimes, difference, pod_metrics
from slipway_steps.adapters.targets.step_names import step_name
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import Phase, RunOutcome, RunSample

Object = dict[str, Any]
OUTCOMES = {"Succeeded": RunOutcome.SUCCEEDED, "Failed": RunOutcome.FAILED, "Error": RunOutcome.FAILED}
TEMPLATE_LABELS = (
    TEMPLATE_LABEL,
    "workflows.argoproj.io/workflow-template",
    "workflows.argoproj.io/cron-workflow",
)


@dataclass(frozen=True)
class Step:
    """A node of a workflow that is a pod. Times are whole Unix seconds, as Argo keeps them."""

    id: str
    component: str
    started: float
    finished: float


def is_ended(workflow: Mapping[str, Any]) -> bool:
    """Whether the workflow has ended."""
    return (workflow.get("status") or {}).get("phase") in OUTCOMES


def pipeline_of(workflow: Mapping[str, Any]) -> str:
    """The template that a workflow ran, by its labels; else its name without the part that Argo made up."""
    metadata = workflow["metadata"]
    labels = metadata.get("labels") or {}
    named = next((str(labels[label]) for label in TEMPLATE_LABELS if labels.get(label)), "")
    return named or str(metadata.get("generateName") or metadata["name"].rpartition("-")[0]).rstrip("-")


def steps_of(status: Mapping[str, Any]) -> list[Step]:
    """The ended pods of a workflow in the order of their start; [] where the nodes are in Argo's database."""
    found = []
    for key, node in _nodes(status).items():
        started, finished = seconds(node.get("startedAt")), seconds(node.get("finishedAt"))
        if node.get("type") == "Pod" and started is not None and finished is not None:
            found.append(Step(key, step_name(node), started, finished))
    return sorted(found, key=lambda step: (step.started, step.finished))


def waits_of(status: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The times in which a workflow waited as its author wanted: suspended, or between two attempts of a step."""
    nodes, found = _nodes(status), []
    for node in nodes.values():
        if node.get("type") == "Suspend":
            found.append((seconds(node.get("startedAt")), seconds(node.get("finishedAt"))))
        elif node.get("type") == "Retry":
            tried = [nodes[key] for key in node.get("children") or [] if key in nodes]
            tried.sort(key=lambda one: seconds(one.get("startedAt")) or 0.0)
            found += [
                (seconds(one.get("finishedAt")), seconds(following.get("startedAt")))
                for one, following in pairwise(tried)
            ]
    return [(start, end) for start, end in found if start is not None and end is not None and end > start]


def _nodes(status: Mapping[str, Any]) -> Object:
    packed = status.get("compressedNodes")
    return json.loads(gzip.decompress(base64.b64decode(packed))) if packed else status.get("nodes") or {}


def sample_of(
    workflow: Mapping[str, Any],
    pods: Sequence[PodTimes] = (),
    *,
    submitted: float | None = None,
    ended: float | None = None,
    more: Mapping[str, float] | None = None,
) -> RunSample:
    """The sample of a workflow.

    submitted, ended: by the client's clock; None: those of the API server, in whole seconds. more: metrics that were
    measured elsewhere.
    """
    metadata, status = workflow["metadata"], workflow.get("status") or {}
    created = seconds(metadata["creationTimestamp"]) or 0.0
    started, finished = seconds(status.get("startedAt")), seconds(status.get("finishedAt"))
    outcome = OUTCOMES.get(str(status.get("phase")), RunOutcome.UNFINISHED)
    steps = steps_of(status)
    between = gaps(steps, waits_of(status))
    begin, end = (created, finished) if submitted is None else (submitted, ended)
    components: dict[str, float] = {}
    for step in steps:
        components[step.component] = components.get(step.component, 0.0) + step.finished - step.started
    metrics = {**(more or {}), **pod_metrics(pods)}
    waited = [pull.waited for pod in pods for pull in pod.pulls.values()]
    for name, value in (
        (END_TO_END, difference(begin, end) if outcome is not RunOutcome.UNFINISHED else None),
        ("queue", None if started is None else max(started - created, 0.0) + sum(waited)),
        ("between-steps", sum(stop - start for start, stop in between) if steps else None),
    ):
        if value is not None:
            metrics[name] = value
    return RunSample(
        run=str(metadata["name"]),
        pipeline=pipeline_of(workflow),
        started=begin,
        outcome=outcome,
        message=str(status.get("message") or ""),
        metrics=metrics,
        components=components,
        phases=phases_of(created, started, finished, steps, between, pods),
    )


def gaps(steps: Sequence[Step], waits: Sequence[tuple[float, float]] = ()) -> list[tuple[float, float]]:
    """The times between the first step and the last in which no step was there, without those in which the workflow had
    to wait. `steps`: in the order of their start.
    """
    if not steps:
        return []
    pieces = [(step.started, step.finished) for step in steps]
    pieces += [(start, end) for start, end in waits if start < steps[-1].started]
    found: list[tuple[float, float]] = []
    reached = steps[0].started
    for start, end in sorted(pieces):
        if start > reached:
            found.append((reached, start))
        reached = max(reached, end)
    return found


def phases_of(
    created: float,
    started: float | None,
    finished: float | None,
    steps: Sequence[Step],
    between: Sequence[tuple[float, float]],
    pods: Sequence[PodTimes],
) -> list[Phase]:
    """The pieces of a run, from its creation on, by the clock of the cluster."""
    found: list[Piece] = [("queue", created, started, "")]
    found += [("between-steps", start, end, "") for start, end in between]
    by_node = {pod.node_id: pod for pod in pods}
    for step in steps:
        found += phases_of_step(step.component, step.started, step.finished, by_node.get(step.id))
    if steps:
        found.append(("finish", max(step.finished for step in steps), finished, ""))
    return [
        Phase(name=name, start=start - created, end=end - created, component=component)
        for name, start, end, component in found
        if start is not None and end is not None and end > start
    ]
