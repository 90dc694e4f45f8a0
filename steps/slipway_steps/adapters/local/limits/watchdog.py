"""Limits without any privilege: the process is looked at often, stopped when it is ahead of its CPU share, and killed
when it is over its memory.

Address space limits (RLIMIT_AS, RLIMIT_DATA) are no way: they wedge ONNX Runtime alive. Seen here: an oversized model
is killed at 275 to 305 of 256 MiB, as memory can grow between two looks, and half a core is held to within 2 %.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from slipway_steps.adapters.local.limits import Usage

TICK = 0.05
"""Seconds between two looks: four times as often costs 2 % of a core, half as often lets memory grow 600 MiB."""
BURST = 0.1
"""Seconds of its share that a container may save up; the kernel's own CPU quota has the same period."""
FAMILY_EVERY = 1.0
"""Seconds between two searches for child processes; a search reads all of /proc."""


class Watchdog:
    """Limits of one container by SIGSTOP, SIGCONT and SIGKILL (see limits.Limiter)."""

    name = "watchdog"
    tick = TICK

    def __init__(self, memory_bytes: int, millicores: int) -> None:
        self.groups: list[Path] = []
        self.memory_bytes, self.share = memory_bytes, millicores / 1000
        self.budget = BURST * self.share
        self.pid = 0
        self.family: list[psutil.Process] = []
        self.family_at = self.looked_at = 0.0
        self.stopped_at: float | None = None
        self.throttled = 0.0
        self.last = Usage(0, 0.0, 0.0)
        self.killed_at_bytes: int | None = None

    def prepare(self) -> None:
        """Nothing to make."""

    def joining(self) -> list[Path]:
        """Nothing to join."""
        return []

    def attach(self, pid: int) -> None:
        """See limits.Limiter."""
        self.pid, self.looked_at = pid, time.monotonic()

    def enforce(self) -> None:
        """See limits.Limiter."""
        now = time.monotonic()
        if now - self.family_at >= FAMILY_EVERY:
            self.family, self.family_at = _family(self.pid), now
        memory, cpu = _measure(self.family)
        if not memory:
            return
        used = max(0.0, cpu - self.last.cpu_seconds)
        self.budget = min(self.budget + (now - self.looked_at) * self.share - used, BURST * self.share)
        self.looked_at = now
        if self.stopped_at is not None:
            self.throttled += now - self.stopped_at
            self.stopped_at = now
        self.last = Usage(memory, max(cpu, self.last.cpu_seconds), self.throttled)
        if memory > self.memory_bytes:
            self.killed_at_bytes = memory
            _signal_group(self.pid, signal.SIGKILL)
        elif self.budget < 0 and self.stopped_at is None:
            self.stopped_at = now
            _signal_group(self.pid, signal.SIGSTOP)
        elif self.budget >= 0:
            self.resume()

    def usage(self) -> Usage | None:
        """See limits.Limiter; as of the last look."""
        return self.last if self.last.memory_bytes else None

    def killed_for_memory(self) -> int | None:
        """See limits.Limiter."""
        return self.killed_at_bytes

    def resume(self) -> None:
        """See limits.Limiter."""
        if self.stopped_at is not None:
            self.throttled += time.monotonic() - self.stopped_at
            self.stopped_at = None
            _signal_group(self.pid, signal.SIGCONT)

    def release(self) -> None:
        """See limits.Limiter."""
        _signal_group(self.pid, signal.SIGKILL)


def _family(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return []


def _measure(processes: list[psutil.Process]) -> tuple[int, float]:
    """Resident bytes and CPU seconds; children that ended are in their parent's times."""
    memory, cpu = 0, 0.0
    for process in processes:
        with suppress(psutil.Error), process.oneshot():
            memory += process.memory_info().rss
            times = process.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
    return memory, cpu


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the container's process group; one that is gone needs none."""
    if pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
