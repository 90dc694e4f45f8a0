"""Why processors did not work: throttled by a limit, waiting for disks, or idle. Counters that only grow."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from slipway_steps.adapters.local.control_groups import CGROUPS


class ProcessorWaits(NamedTuple):
    """Seconds since the machine began, or the control group. `throttled`: None where no control group tells it.

    `io`, `idle`: the sum over all cores of waiting for disks, and of having nothing to do.
    """

    throttled: float | None
    io: float
    idle: float


def processor_waits(pid: int) -> ProcessorWaits:
    """The counters of this machine, and of the control group of a process."""
    times = psutil.cpu_times()
    return ProcessorWaits(_throttled(pid), float(times.iowait), float(times.idle))


def cores() -> int:
    """The cores of this machine, which `ProcessorWaits` counts."""
    return os.cpu_count() or 1


def _throttled(pid: int) -> float | None:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            names = controllers.split(",")
            if "cpu" in names or controllers == "":
                root = CGROUPS / "cpu" if "cpu" in names else CGROUPS
                if (found := _in(root / path.lstrip("/") / "cpu.stat")) is not None:
                    return found
    return None


def _in(path: Path) -> float | None:
    with suppress(OSError, ValueError):
        numbers = dict(line.split() for line in path.read_text().splitlines())
        if "throttled_usec" in numbers:
            return int(numbers["throttled_usec"]) / 1e6
        if "throttled_time" in numbers:
            return int(numbers["throttled_time"]) / 1e9
    return None
