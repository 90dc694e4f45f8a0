"""A schedule as a CronWorkflow, and what became of its firings."""

import math
from collections.abc import Sequence
from typing import Any

from slipway_steps.adapters.kubernetes.pods import seconds
from slipway_steps.adapters.targets.argo_manifest import API, SESSION_LABEL
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import MOST_RUNS
from slipway_steps.domain.perf_session import Firing

Object = dict[str, Any]
SCHEDULED = "workflows.argoproj.io/scheduled-time"
"""The annotation in which Argo's controller writes when a workflow was due."""
EVERY = "slipway.dev/every-seconds"
LATE = 30.0
"""Seconds after which a firing that made no workflow counts as missed: three looks of the controller (10 s each)."""


def cron_workflow(workflow: Object, every: float) -> Object:
    """The CronWorkflow that starts `workflow`, whose name it takes, every so many seconds.

    Whole minutes that divide an hour are fired at full minutes; other intervals count from when the controller sees the
    schedule. Raises BadInput for less than a second, which Argo cannot.
    """
    if every < 1 or every != int(every):
        raise BadInput(f"Argo cannot fire every {every:g} seconds", "intervalSeconds is a whole number from 1 on")
    minutes, rest = divmod(int(every), 60)
    aligned = not rest and minutes and 60 % minutes == 0
    metadata = workflow["metadata"]
    return {
        "apiVersion": API,
        "kind": "CronWorkflow",
        "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), EVERY: str(int(every))}},
        "spec": {
            "schedules": [f"*/{minutes} * * * *" if aligned and minutes < 60 else f"@every {int(every)}s"],
            "timezone": "Etc/UTC",
            # a run that takes longer than the interval is to be seen, not hidden
            "concurrencyPolicy": "Allow",
            "startingDeadlineSeconds": 0,
            # by default Argo deletes all but three ended workflows
            "successfulJobsHistoryLimit": MOST_RUNS,
            "failedJobsHistoryLimit": MOST_RUNS,
            "workflowMetadata": {"labels": {SESSION_LABEL: metadata["labels"][SESSION_LABEL]}},
            "workflowSpec": workflow["spec"],
        },
    }


def firings_of(cron: Object, workflows: Sequence[Object], now: float) -> list[Firing]:
    """The firings of a CronWorkflow until now, from the workflows that it made. One that was due and made none was
    missed.
    """
    every = float(cron["metadata"]["annotations"][EVERY])
    made: dict[float, Object] = {}
    for one in workflows:
        at = seconds((one["metadata"].get("annotations") or {}).get(SCHEDULED))
        if at is not None:
            made[at] = one
    created = seconds(cron["metadata"]["creationTimestamp"]) or now
    if "@every" in cron["spec"]["schedules"][0]:
        before = min(made) - every if made else created
    else:
        before = created // every * every
    found: list[Firing] = []
    running_until = 0.0
    for due in sorted(made):
        found += _missed(before, due - every / 2, every)
        workflow = made[due]
        started = seconds(workflow["metadata"]["creationTimestamp"]) or 0.0
        overlapping = started < running_until
        found.append(Firing(due=due, started=started, run=workflow["metadata"]["name"], overlapping=overlapping))
        ended = seconds((workflow.get("status") or {}).get("finishedAt"))
        running_until = max(running_until, now if ended is None else ended)
        # the controller counts an interval from when it really fired: all that follows moves by what one was late
        before = due
    # the controller looks at its schedules every ten seconds: what is due just now is not missed yet
    return found + _missed(before, now - min(every, LATE), every)


def _missed(before: float, until: float, every: float) -> list[Firing]:
    """The firings that were due after the one of `before`, until a time, and made no workflow."""
    return [Firing(due=before + number * every) for number in range(1, math.floor((until - before) / every) + 1)]
