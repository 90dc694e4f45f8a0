"""What this machine has: processor, memory, kernel."""

import os
import platform
from contextlib import suppress
from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import ResourceLimits
from slipway_steps.domain.perf_session import Fingerprint


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_memory() -> float:
    """The bytes that this machine, or this pod where it is less, has left for more processes."""
    import psutil

    return min(float(psutil.virtual_memory().available), _left_in_pod(Path("/sys/fs/cgroup")))


def _left_in_pod(directory: Path) -> float:
    """What the control group of this container leaves; infinite where it has no limit. A container sees its own group
    at the root of the file system of groups.
    """
    try:
        limit = (directory / "memory.max").read_text().strip()
        used = int((directory / "memory.current").read_text())
    except (OSError, ValueError):
        return float("inf")
    return float("inf") if limit == "max" else float(int(limit) - used)


def check_limits(limits: ResourceLimits) -> None:
    """Raises BadInput for limits that are more than this machine has."""
    cores, memory = limits.cores, limits.memory_bytes
    there = usable_cores()
    if cores is not None and cores > there:
        raise BadInput(f"resourceLimits.cpu {limits.cpu} is more than the {there} cores of this machine", "lower it")
    total = memory_bytes()
    if memory is not None and memory > total:
        raise BadInput(
            f"resourceLimits.memory {limits.memory} is more than the {total / 2**30:.1f} GiB of this machine",
            "lower it",
        )


def fingerprint(target: str, target_version: str) -> Fingerprint:
    """The machine that measures, and the version of what runs the pipelines."""
    return Fingerprint(
        cpu=_processor(),
        cores=usable_cores(),
        memory_bytes=memory_bytes(),
        kernel=platform.release(),
        python=platform.python_version(),
        target=target,
        target_version=target_version,
    )


def _processor() -> str:
    """The model of the processor; the architecture where the kernel does not name it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
