"""Makes the sample of a run: what the engine stored about it, and what the kernel counted."""

import json
from collections.abc import Mapping
from contextlib import suppress
from statistics import fmean
from typing import Any

from slipway_steps.adapters.targets.local_disk import told_in
from slipway_steps.adapters.targets.local_run import STDOUT, LocalRun
from slipway_steps.adapters.targets.local_runs import read_timings
from slipway_steps.adapters.targets.local_timeline import by_component, timeline, totals
from slipway_steps.adapters.targets.step_names import step_name
from slipway_steps.domain.perf_metrics import CPU, END_TO_END
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.files import tells_no_room

BLOCK = 512
"""Bytes of the unit in which the kernel counts what was read from and written to disks."""


def sample_of(run: LocalRun) -> RunSample:
    """What is known about a run: unfinished where it has not ended, or was ended by its session; broken where it did
    not succeed and its disk was full.
    """
    told: dict[str, Any] = {"run": run.name, "started": run.started}
    if not run.ended.is_set() or run.ended_by_us:
        return RunSample(**told, outcome=RunOutcome.UNFINISHED, message="ended at the deadline of its session")
    workflow: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        workflow = json.loads((run.home / STDOUT).read_text())
    status = workflow.get("status") or {}
    if run.code or status.get("phase") != "Succeeded" or run.usage is None:
        message = _message(run, status)
        full = ""
        if not (run.limits and run.limits.oom_killed()):
            full = run.disk_full or told_in(run.home, status, nearly_full=run.disk_nearly_full)
        if full and not tells_no_room(message):
            message = f"{full}; {message}"
        return RunSample(**told, outcome=RunOutcome.BROKEN if full else RunOutcome.FAILED, message=message)
    timings = [one for directory in run.home.glob("runs/*") for one in read_timings(directory)]
    phases = timeline(status, timings, run.started, run.seconds)
    starts = [one["to"] - one["from"] for one in timings if one["what"] == "container-start"]
    metrics = {
        END_TO_END: run.seconds,
        CPU: run.cpu,
        "queue": totals(phases, "queue"),
        "between-steps": totals(phases, "between-steps"),
        "storage-read": run.usage.ru_inblock * BLOCK,
        "storage-written": run.usage.ru_oublock * BLOCK,
    }
    if run.peak:
        metrics["memory"] = run.peak
    if starts:
        metrics["container-start"] = fmean(starts)
    told |= {"metrics": metrics, "components": by_component(phases), "phases": phases}
    return RunSample(**told, outcome=RunOutcome.SUCCEEDED)


def _message(run: LocalRun, status: Mapping[str, Any]) -> str:
    """Why a run failed: its first step that failed, else the last line that the program wrote."""
    if run.limits and run.limits.oom_killed():
        return f"{run.name} was killed: it used more memory than its limit"
    for node in (status.get("nodes") or {}).values():
        if node.get("type") == "Pod" and node.get("phase") in ("Failed", "Error"):
            return f"{run.name}: step {step_name(node)}: {node.get('message') or node['phase']}"
    said = [line for line in run.stderr().splitlines() if line.strip()]
    ended = f"signal {-run.code}" if run.code < 0 else f"exit code {run.code}"
    return f"{run.name} ended with {ended}" + (f": {said[-1].removeprefix('error: ')}" if said else "")
