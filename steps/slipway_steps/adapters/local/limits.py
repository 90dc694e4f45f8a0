"""Memory and CPU limits of one process: by cgroup where this user may make one, else by a watchdog.

RLIMIT_AS is no way: it leaves ONNX Runtime wedged but alive.
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

PERIOD = 0.1
"""Seconds; the kernel's default CFS period: half a core is 50 ms in each."""
WATCH = 0.05
"""Seconds between two looks of the watchdog; a model that is loaded grows by about 100 MiB in that time."""


class Usage(NamedTuple):
    """memory and peak in bytes; cpu and throttled in seconds since the start of the process."""

    memory: int
    peak: int
    cpu: float
    throttled: float


class Limits(Protocol):
    """One process and its limits."""

    name: str

    @property
    def enter(self) -> Callable[[], None] | None:
        """What the process calls before exec, if anything."""

    def attach(self, pid: int) -> None:
        """The process has been started (and called `enter` before exec)."""

    def usage(self) -> Usage | None:
        """What it uses; None once it is gone."""

    def oom_killed(self) -> bool:
        """Whether it was killed for its memory."""

    def close(self) -> None:
        """The process is gone: forget it."""


class Cgroup:
    """Limits by cgroup v1 or v2. Raises OSError where none can be made."""

    name = "cgroup"

    def __init__(self, label: str, memory_bytes: int, millicores: int) -> None:
        self.version = 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1
        self.paths = {part: self._make(part, label) for part in ("memory", "cpu", "cpuacct")}
        quota = int(PERIOD * 1e6 * millicores / 1000)
        try:
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

    def _make(self, controller: str, label: str) -> Path:
        if self.version == 2:
            own = Path("/proc/self/cgroup").read_text().strip().rpartition(":")[2]
            path = Path("/sys/fs/cgroup") / own.lstrip("/") / label
        else:
            lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
            own = next((where for _, names, where in lines if controller in names.split(",")), "/")
            path = Path("/sys/fs/cgroup") / controller / own.lstrip("/") / label
        with suppress(FileExistsError):
            path.mkdir()
        return path

    def _write(self, controller: str, name: str, value: object) -> None:
        (self.paths[controller] / name).write_text(str(value))

    def _number(self, controller: str, name: str, key: str = "") -> int:
        text = (self.paths[controller] / name).read_text()
        if not key:
            return int(text)
        return next((int(line.split()[1]) for line in text.splitlines() if line.split()[0] == key), 0)

    def enter(self) -> None:
        """The process puts itself in, before exec."""
        for path in set(self.paths.values()):
            (path / "cgroup.procs").write_text(str(os.getpid()))

    def attach(self, pid: int) -> None:
        """See Limits; the process has put itself in."""

    def usage(self) -> Usage | None:
        """See Limits. Memory is the working set: without the file cache that can be dropped."""
        with suppress(OSError, ValueError):
            if self.version == 1:
                used = self._number("memory", "memory.usage_in_bytes")
                used -= self._number("memory", "memory.stat", "total_inactive_file")
                peak = self._number("memory", "memory.max_usage_in_bytes")
                cpu = self._number("cpuacct", "cpuacct.usage") / 1e9
                return Usage(max(0, used), peak, cpu, self._number("cpu", "cpu.stat", "throttled_time") / 1e9)
            used = self._number("memory", "memory.current") - self._number("memory", "memory.stat", "inactive_file")
            with suppress(OSError):
                self._peak = self._number("memory", "memory.peak")
            cpu, throttled = (self._number("cpu", "cpu.stat", k) / 1e6 for k in ("usage_usec", "throttled_usec"))
            return Usage(max(0, used), getattr(self, "_peak", used), cpu, throttled)
        return None

    def oom_killed(self) -> bool:
        """See Limits."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        with suppress(OSError):
            return self._number("memory", name, "oom_kill") > 0
        return False

    def close(self) -> None:
        """See Limits. A cgroup can only be removed once its last process has been reaped."""
        for path in set(self.paths.values()):
            for _ in range(20):
                try:
                    path.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
                else:
                    break


class Watchdog:
    """Limits without any privilege: kills above the memory limit, stops and continues above the CPU limit."""

    name = "watchdog"
    enter: Callable[[], None] | None = None

    def __init__(self, label: str, memory_bytes: int, millicores: int) -> None:
        self.limit, self.cores = memory_bytes, millicores / 1000
        self.killed = False
        self.peak = 0
        self.throttled = 0.0
        self.done = threading.Event()
        self.process: psutil.Process | None = None

    def attach(self, pid: int) -> None:
        """See Limits."""
        with suppress(psutil.Error):
            self.process = psutil.Process(pid)
            threading.Thread(target=self._watch, args=(self.process,), daemon=True).start()

    def _watch(self, process: psutil.Process) -> None:
        # a token bucket of one period: what was not used is not saved up, as with the kernel's quota
        tokens, burst, stopped = self.cores * PERIOD, self.cores * PERIOD, False
        before, spent = time.monotonic(), 0.0
        with suppress(psutil.Error):
            while not self.done.wait(WATCH):
                now = time.monotonic()
                memory = process.memory_info().rss
                self.peak = max(self.peak, memory)
                if memory > self.limit:
                    self.killed = True
                    process.send_signal(signal.SIGKILL)
                    return
                used = sum(process.cpu_times()[:2])
                tokens = min(burst, tokens + (now - before) * self.cores) - (used - spent)
                self.throttled += now - before if stopped else 0.0
                before, spent = now, used
                if (tokens < 0) != stopped:
                    stopped = tokens < 0
                    process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def usage(self) -> Usage | None:
        """See Limits."""
        if self.process is None:
            return None
        with suppress(psutil.Error):
            memory = self.process.memory_info().rss
            self.peak = max(self.peak, memory)
            return Usage(memory, self.peak, sum(self.process.cpu_times()[:2]), self.throttled)
        return None

    def oom_killed(self) -> bool:
        """See Limits."""
        return self.killed

    def close(self) -> None:
        """See Limits."""
        self.done.set()


def make_limits(label: str, memory_bytes: int, millicores: int) -> Limits:
    """A cgroup where it can be made, else the watchdog. `label` is one file name, unique on this machine."""
    if os.environ.get("SLIPWAY_LIMITS") != "watchdog":
        with suppress(OSError):
            return Cgroup(label, memory_bytes, millicores)
    return Watchdog(label, memory_bytes, millicores)
