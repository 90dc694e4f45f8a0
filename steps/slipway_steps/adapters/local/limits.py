"""Enforces the memory and CPU limits of one process: by a cgroup where this user may create one, else by a watchdog.

RLIMIT_AS cannot be used: ONNX Runtime then hangs instead of ending.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import psutil

from slipway_steps.adapters.local.control_groups import CGROUPS, remove_group

PERIOD = 0.1
"""Seconds; the kernel's default CFS period: half a core is 50 ms in each."""
WATCH = 0.05
"""Seconds between two measurements of the watchdog. While a model is loaded, it grows by about 100 MiB in that time."""
FAMILY_EVERY = 1.0
"""Seconds between two searches for child processes. A search reads all of /proc."""


class Usage(NamedTuple):
    """Memory and peak memory in bytes; CPU time and throttled time in seconds since the start of the process.

    Memory is the working set: file cache that could be dropped does not count.
    """

    memory: int
    peak: int
    cpu: float
    throttled: float


class Limits(Protocol):
    """The limits of one process, and how it uses them."""

    name: str

    @property
    def places(self) -> list[Path]:
        """The directories that were made for the process."""

    @property
    def enter(self) -> Callable[[], None] | None:
        """A function that the process calls before exec; None where there is nothing to call."""

    def attach(self, pid: int) -> None:
        """Begin to watch the process, which has been started (and has called `enter` before exec)."""

    def usage(self) -> Usage | None:
        """The usage of the process; None once it is gone."""

    def oom_killed(self) -> bool:
        """Whether the process was killed because of its memory."""

    def detach(self) -> None:
        """Stop sending signals to the process. It has ended but is not reaped yet, so no other process can have its
        number.
        """

    def close(self) -> None:
        """Remove what was created for the process, which is gone."""


class Cgroup:
    """Limits by a cgroup of version 1 or 2. Raises OSError where no cgroup can be created."""

    name = "cgroup"

    def __init__(self, label: str, memory_bytes: int, millicores: int) -> None:
        self.version = 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1
        self.peak = 0
        self.paths: dict[str, Path] = {}
        quota = int(PERIOD * 1e6 * millicores / 1000)
        try:
            if self.version == 2:
                with suppress(OSError):  # refused where our own group has processes; the watchdog is used then
                    (self._path("", label).parent / "cgroup.subtree_control").write_text("+memory +cpu")
            for part in ("memory", "cpu", "cpuacct"):
                self.paths[part] = self._path(part, label)
                # an existing group would have the counts of another container
                if self.paths[part] not in list(self.paths.values())[:-1]:
                    self.paths[part].mkdir()
            if self.version == 1:
                self._write("memory", "memory.limit_in_bytes", memory_bytes)
                with suppress(OSError):  # kernels without swap accounting have no such file
                    self._write("memory", "memory.memsw.limit_in_bytes", memory_bytes)
                self._write("cpu", "cpu.cfs_period_us", int(PERIOD * 1e6))
                self._write("cpu", "cpu.cfs_quota_us", quota)
            else:
                self._write("memory", "memory.max", memory_bytes)
                with suppress(OSError):
                    self._write("memory", "memory.swap.max", 0)
                self._write("cpu", "cpu.max", f"{quota} {int(PERIOD * 1e6)}")
        except OSError:
            self.close()
            raise

    def _path(self, controller: str, label: str) -> Path:
        """The path of a group below the group of this process, so that limits from outside still apply."""
        if self.version == 2:
            own = Path("/proc/self/cgroup").read_text().strip().rpartition(":")[2]
            return CGROUPS / own.lstrip("/") / label
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        own = next((where for _, names, where in lines if controller in names.split(",")), "/")
        return (CGROUPS / controller).resolve() / own.lstrip("/") / label

    def _write(self, controller: str, name: str, value: object) -> None:
        (self.paths[controller] / name).write_text(str(value))

    def _number(self, controller: str, name: str, key: str = "") -> int:
        text = (self.paths[controller] / name).read_text()
        if not key:
            return int(text)
        return next((int(line.split()[1]) for line in text.splitlines() if line.split()[0] == key), 0)

    @property
    def places(self) -> list[Path]:
        """The directories of the cgroup, one for each hierarchy."""
        return sorted(set(self.paths.values()))

    def enter(self) -> None:
        """Move the calling process into the cgroup."""
        for path in set(self.paths.values()):
            # in a child of a process with threads: system calls only
            descriptor = os.open(path / "cgroup.procs", os.O_WRONLY)
            os.write(descriptor, b"0")
            os.close(descriptor)

    def attach(self, pid: int) -> None:
        """Nothing to do: the process has moved itself into the cgroup."""

    def usage(self) -> Usage | None:
        """The usage that the kernel has counted for the cgroup; None once the cgroup is gone."""
        with suppress(OSError, ValueError):
            if self.version == 1:
                used = self._number("memory", "memory.usage_in_bytes")
                used -= self._number("memory", "memory.stat", "total_inactive_file")
                cpu = self._number("cpuacct", "cpuacct.usage") / 1e9
                throttled = self._number("cpu", "cpu.stat", "throttled_time") / 1e9
            else:
                used = self._number("memory", "memory.current") - self._number("memory", "memory.stat", "inactive_file")
                cpu, throttled = (self._number("cpu", "cpu.stat", k) / 1e6 for k in ("usage_usec", "throttled_usec"))
            self.peak = max(self.peak, used)
            return Usage(max(0, used), self.peak, cpu, throttled)
        return None

    def oom_killed(self) -> bool:
        """Whether the kernel killed a process of the cgroup for its memory. With version 1 `failcnt` stays 0 then, so
        `oom_kill` is read.
        """
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        with suppress(OSError):
            return self._number("memory", name, "oom_kill") > 0
        return False

    def detach(self) -> None:
        """Nothing to do: only the kernel sends signals here."""

    def close(self) -> None:
        """Remove the cgroup, and end any process that is left in it."""
        for path in set(self.paths.values()):
            remove_group(path)


class Watchdog:
    """Limits without any privilege: it kills the process above the memory limit, and stops and continues it above the
    CPU limit.

    Child processes count too. They are found within a second, and every signal goes to the process groups of all.
    """

    name = "watchdog"
    enter: Callable[[], None] | None = None
    places: list[Path] = []  # noqa: RUF012 - the watchdog makes none

    def __init__(self, label: str, memory_bytes: int, millicores: int) -> None:
        self.limit, self.cores = memory_bytes, millicores / 1000
        self.killed = False
        self.now = Usage(0, 0, 0.0, 0.0)
        self.done = threading.Event()
        self.pid = 0
        self.family: list[psutil.Process] = []
        self.thread: threading.Thread | None = None

    def attach(self, pid: int) -> None:
        """Start the thread that watches the process."""
        self.pid = pid
        self.thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.thread.start()

    def _look(self) -> tuple[int, float]:
        """Resident bytes and CPU seconds of all processes. The CPU time of children that have ended is part of their
        parent's.
        """
        memory, cpu = 0, 0.0
        for process in self.family:
            with suppress(psutil.Error), process.oneshot():
                memory += process.memory_info().rss
                cpu += sum(process.cpu_times()[:4])
        return memory, cpu

    def _signal(self, number: signal.Signals) -> None:
        groups = {self.pid}
        for process in self.family:
            with suppress(OSError, psutil.Error):
                if process.is_running():  # its number may be another process's by now
                    groups.add(os.getpgid(process.pid))
        for group in groups:
            with suppress(OSError):
                os.killpg(group, number)

    def _watch(self) -> None:
        # a token bucket of one period: what was not used is not saved up, as with the kernel's quota
        tokens, burst, stopped = self.cores * PERIOD, self.cores * PERIOD, False
        before, searched = time.monotonic(), -FAMILY_EVERY
        while not self.done.wait(WATCH):
            now = time.monotonic()
            if now - searched >= FAMILY_EVERY:
                searched = now
                with suppress(psutil.Error):
                    leader = psutil.Process(self.pid)
                    self.family = [leader, *leader.children(recursive=True)]
            memory, spent = self._look()
            used = max(0.0, spent - self.now.cpu)
            tokens = min(burst, tokens + (now - before) * self.cores) - used
            throttled = self.now.throttled + (now - before if stopped else 0.0)
            self.now = Usage(memory, max(self.now.peak, memory), max(spent, self.now.cpu), throttled)
            before = now
            if memory > self.limit:
                self.killed = True
                self._signal(signal.SIGKILL)
                return
            if (tokens < 0) != stopped:
                stopped = tokens < 0
                self._signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def usage(self) -> Usage | None:
        """The usage that the thread measured last; None before its first measurement."""
        return self.now if self.now.memory else None

    def oom_killed(self) -> bool:
        """Whether the watchdog killed the process for its memory."""
        return self.killed

    def detach(self) -> None:
        """Stop the thread, so that it sends no more signals."""
        self.done.set()
        if self.thread:
            self.thread.join()

    def close(self) -> None:
        """Nothing to do: the watchdog creates nothing outside of this process."""


def make_limits(label: str, memory_bytes: int, millicores: int, watchdog: bool = False) -> Limits:
    """A cgroup where one can be created and `watchdog` is false, else a watchdog. `label` is the name of the cgroup; it
    has to be unique on this machine.
    """
    if not watchdog:
        with suppress(OSError):
            return Cgroup(label, memory_bytes, millicores)
    return Watchdog(label, memory_bytes, millicores)
