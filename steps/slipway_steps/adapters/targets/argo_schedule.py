"""Schedules as CronWorkflows, and what became of their firings."""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api, Conflict
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.pods import seconds
from slipway_steps.adapters.targets.argo_manifest import API, SESSION_LABEL
from slipway_steps.adapters.targets.argo_sample import is_ended
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import MOST_RUNS
from slipway_steps.domain.perf_session import Firing
from slipway_steps.domain.perf_until import UNTIL

Object = dict[str, Any]
SCHEDULED = "workflows.argoproj.io/scheduled-time"
"""The annotation in which Argo's controller writes when a workflow was due."""
ENDED = "cronworkflow.succeeded + cronworkflow.failed"
"""In the words of Argo, how many workflows of a CronWorkflow have ended."""
EVERY = "slipway.dev/every-seconds"
LATE = 30.0
"""Seconds after which a firing that made no workflow counts as missed: three looks of the controller (10 s each)."""


class ArgoSchedules:
    """The schedules of a session in one namespace.

    most: runs of a schedule at a time. Argo itself knows no such number: when so many run, the schedule is deleted, and
    what it would have fired later is missed; None: any number may run. `runs`: how many runs are wanted of a schedule,
    after which Argo itself fires no more; None: any number. `notes`: what was done so, for people.
    """

    def __init__(self, api: Api, namespace: str, most: int | None) -> None:
        self.api = api
        self.namespace = namespace
        self.most = most
        self.runs: int | None = None
        self.notes: list[str] = []
        self._stopped: dict[str, Object] = {}

    def start(self, workflow: Object, every: float) -> None:
        """Start `workflow` every so many seconds; the schedule has its name. Raises BadInput, see `cron_workflow`."""
        made, name = cron_workflow(workflow, every, self.runs), workflow["metadata"]["name"]
        with suppress(Conflict):  # made by a call whose answer was lost
            self.api.post(self._path("cronworkflows"), made, what=f"scheduling {name}")

    def firings(self, schedule: str) -> list[Firing]:
        """What a schedule started and missed until now, in the order of time."""
        what = f"reading the schedule {schedule}"
        cron = self._stopped.get(schedule) or self.api.get(self._path("cronworkflows", schedule), what=what)
        label = f"workflows.argoproj.io/cron-workflow={schedule}"
        made = self.api.get(self._path("workflows"), what=what, absent=False, labelSelector=label).get("items") or []
        running = sorted((one for one in made if not is_ended(one)), key=lambda one: _due(one) or math.inf)
        if self.most is not None and len(running) >= self.most:
            self._stop(schedule, cron, len(made))
            more = {one["metadata"]["name"] for one in running[self.most :]}  # fired before the schedule was gone
            for name in more:
                self.api.delete(self._path("workflows", name), what=f"ending {name}", absent=True)
            made = [one for one in made if one["metadata"]["name"] not in more]
        return firings_of(cron, made, time.time())

    def _stop(self, schedule: str, cron: Object, fired: int) -> None:
        if schedule in self._stopped:
            return
        path, what = self._path("cronworkflows", schedule), f"stopping the schedule {schedule}"
        # with the usual policy the runs that it has started would be deleted with it
        self.api.delete(path, what=what, absent=True, propagationPolicy="Orphan")
        self._stopped[schedule] = cron
        self.notes.append(
            f"the schedule was stopped after {fired} firings, as {self.most} of its runs were running at the same "
            "time: what it would have started later is missed; allowMore lifts that"
        )

    def _path(self, plural: str, name: str = "") -> str:
        return path_of(API, plural, self.namespace, name)


def cron_workflow(workflow: Object, every: float, runs: int | None = None) -> Object:
    """The CronWorkflow that starts `workflow`, whose name it takes, every so many seconds, until that many runs have
    ended, which is for the schedule of a killed session: one that lives has removed it by then.

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
        "metadata": {**metadata, "annotations": {**metadata["annotations"], EVERY: str(int(every))}},
        "spec": {
            "schedules": [f"*/{minutes} * * * *" if aligned and minutes < 60 else f"@every {int(every)}s"],
            "timezone": "Etc/UTC",
            # a run that takes longer than the interval is to be seen, not hidden
            "concurrencyPolicy": "Allow",
            "startingDeadlineSeconds": 0,
            **({"stopStrategy": {"expression": f"{ENDED} >= {runs}"}} if runs else {}),
            # by default Argo deletes all but three ended workflows
            "successfulJobsHistoryLimit": MOST_RUNS,
            "failedJobsHistoryLimit": MOST_RUNS,
            "workflowMetadata": {
                "labels": {SESSION_LABEL: metadata["labels"][SESSION_LABEL]},
                "annotations": {UNTIL: metadata["annotations"][UNTIL]},
            },
            "workflowSpec": workflow["spec"],
        },
    }


def firings_of(cron: Object, workflows: Sequence[Object], now: float) -> list[Firing]:
    """The firings of a CronWorkflow until now, from the workflows that it made. One that was due and made none was
    missed.
    """
    every = float(cron["metadata"]["annotations"][EVERY])
    made = {at: one for one in workflows if (at := _due(one)) is not None}
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


def _due(workflow: Object) -> float | None:
    """When a schedule should have started this workflow; None for one that no schedule has started."""
    return seconds((workflow["metadata"].get("annotations") or {}).get(SCHEDULED))


def _missed(before: float, until: float, every: float) -> list[Firing]:
    """The firings that were due after the one of `before`, until a time, and made no workflow."""
    return [Firing(due=before + number * every) for number in range(1, math.floor((until - before) / every) + 1)]
