"""The run store of the local engine: reads of it, and the runs that have ended."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway_steps.adapters.targets.local_timeline import by_component, timeline, totals
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import RunOutcome, RunSample

LIST, GET = "runs/list", "runs/get"
"""The operations that only read."""


def operations(home: Path) -> list[str]:
    """What can be read; `runs/get` needs a run. home: the directory of state."""
    return [LIST, GET] if next(_files(home), None) else [LIST]


def read(home: Path, operation: str) -> None:
    """Read the state of all runs, or one run whole."""
    if operation == GET:
        for path in _files(home):
            path.read_bytes()
            return
    for path in _files(home):
        path.stat()


def finished(home: Path, since: float) -> Iterator[RunSample]:
    """The runs that ended since then (Unix seconds), in the order of time, as their stored workflows tell them."""
    found = [sample for path in _files(home) if (sample := _sample(path, since))]
    yield from sorted(found, key=lambda sample: sample.started)


def _files(home: Path) -> Iterator[Path]:
    return (home / "runs").glob("*/workflow.json")


def _sample(path: Path, since: float) -> RunSample | None:
    workflow: Mapping[str, Any] = {}
    with suppress(OSError, ValueError):
        workflow = json.loads(path.read_text())
    status = workflow.get("status") or {}
    if not status.get("startedAt") or not status.get("finishedAt"):
        return None
    started, ended = (datetime.fromisoformat(status[key]).timestamp() for key in ("startedAt", "finishedAt"))
    if ended < since:
        return None
    if status.get("phase") != "Succeeded":
        message = str(status.get("message") or status.get("phase"))
        return RunSample(run=path.parent.name, started=started, outcome=RunOutcome.FAILED, message=message)
    phases = timeline(status, read_timings(path.parent), started, ended - started)
    metrics = {END_TO_END: ended - started, "between-steps": totals(phases, "between-steps")}
    return RunSample(
        run=path.parent.name,
        started=started,
        outcome=RunOutcome.SUCCEEDED,
        metrics=metrics | {"queue": totals(phases, "queue")},
        components=by_component(phases),
        phases=phases,
    )


def read_timings(directory: Path) -> list[dict[str, Any]]:
    """What the engine wrote about waits and starts of a run; see `timings` of the engine. directory: the run's."""
    found = []
    with suppress(OSError, ValueError):
        for line in (directory / "timings.jsonl").read_text().splitlines():
            found.append(json.loads(line))
    return found
