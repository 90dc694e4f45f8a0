"""What the steps of a run had used at their ends, as its engine tells it."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from slipway_steps.adapters.local.process_meter import Usage
from slipway_workflows.engine.machine.step_usage import USAGE


class Used(NamedTuple):
    """Seconds of processor time, bytes read from disks and written to them."""

    cpu: float = 0.0
    read: int = 0
    written: int = 0


def total(parts: Sequence[Usage | Used]) -> Used:
    """The sum of what several steps have used."""
    return Used(sum(one.cpu for one in parts), sum(one.read for one in parts), sum(one.written for one in parts))


class StepEnd(NamedTuple):
    """What a step had used at its end, as the engine tells it. `at`: Unix seconds."""

    at: float
    used: Used


def step_ends(directory: Path) -> dict[str, StepEnd]:
    """What the run has written about the ends of its steps, by node id."""
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for line in (directory / USAGE).read_text().splitlines():
            one = json.loads(line)
            found[one["node"]] = StepEnd(float(one["at"]), Used(one["cpu"], one["read"], one["written"]))
    return found
