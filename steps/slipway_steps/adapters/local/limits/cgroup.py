"""Limits by the kernel: a control group below the one this process is in, so that limits from outside still hold.

Version 1 needs the controllers memory, cpu and cpuacct, each writable; version 2 a group that may hand memory and cpu
on. Where that is not given, which is usual for an ordinary user and inside containers, the watchdog takes over.
"""

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from slipway_steps.adapters.local.limits import Usage

TICK = 0.1
PERIOD = 100_000
"""Microseconds over which the CPU quota is given; Kubernetes' and the kernel's default."""
CONTROLLERS = ("memory", "cpu", "cpuacct")


def own_groups(mountinfo: str, membership: str) -> dict[str, Path]:
    """Controller -> directory of the group this process is in, from /proc/self/mountinfo and /proc/self/cgroup.

    The key for version 2 is "". Groups that are not visible below their mount (another namespace) are left out.
    """
    member = {}
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        member.update(dict.fromkeys(controllers.split(","), path))
    found = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mount = (_unescaped(field) for field in before.split()[3:5])
        kind, _, options = after.split(maxsplit=2)
        for controller in {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, []):
            path = member.get(controller)
            if path is not None and (path + "/").startswith(root.rstrip("/") + "/"):
                found[controller] = Path(mount, path[len(root.rstrip("/")) :].lstrip("/"))
    return found


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def make_cgroup(name: str, memory_bytes: int, millicores: int) -> "CgroupV1 | CgroupV2":
    """The limiter that fits this machine. Raises OSError where no usable control groups are mounted."""
    groups = own_groups(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())
    if all(controller in groups for controller in CONTROLLERS):
        return CgroupV1({c: groups[c] / name for c in CONTROLLERS}, memory_bytes, millicores)
    if "" in groups and {"memory", "cpu"} <= set((groups[""] / "cgroup.controllers").read_text().split()):
        return CgroupV2(groups[""] / name, memory_bytes, millicores)
    raise OSError("the memory and cpu controllers are not both mounted")


class _Cgroup:
    """What both versions share (see limits.Limiter)."""

    tick = TICK

    def __init__(self, groups: list[Path], memory_bytes: int, millicores: int) -> None:
        self.groups = groups
        self.memory_bytes = memory_bytes
        self.quota = millicores * PERIOD // 1000

    def joining(self) -> list[Path]:
        """See limits.Limiter."""
        return [group / "cgroup.procs" for group in self.groups]

    def attach(self, pid: int) -> None:
        """The process has joined by itself."""

    def enforce(self) -> None:
        """The kernel does."""

    def resume(self) -> None:
        """The kernel lets it run again by itself."""

    def release(self) -> None:
        """See limits.Limiter."""
        for group in self.groups:
            remove_group(group)


class CgroupV1(_Cgroup):
    """Limits of one container by control groups of version 1."""

    name = "cgroup v1"

    def __init__(self, groups: dict[str, Path], memory_bytes: int, millicores: int) -> None:
        # controllers may be mounted together
        super().__init__(list(dict.fromkeys(groups.values())), memory_bytes, millicores)
        self.memory, self.cpu, self.account = (groups[c] for c in CONTROLLERS)

    def prepare(self) -> None:
        """See limits.Limiter."""
        for group in self.groups:
            group.mkdir()
        (self.memory / "memory.limit_in_bytes").write_text(str(self.memory_bytes))
        with suppress(FileNotFoundError):  # a kernel without swap accounting; swap would only make it slow
            (self.memory / "memory.memsw.limit_in_bytes").write_text(str(self.memory_bytes))
        (self.cpu / "cpu.cfs_period_us").write_text(str(PERIOD))
        (self.cpu / "cpu.cfs_quota_us").write_text(str(self.quota))

    def usage(self) -> Usage | None:
        """See limits.Limiter. The working set is what a kubelet calls so: without file cache that could be dropped."""
        try:
            cache = _table(self.memory / "memory.stat").get("total_inactive_file", 0)
            memory = _number(self.memory / "memory.usage_in_bytes") - cache
            cpu = _number(self.account / "cpuacct.usage") / 1e9
            return Usage(max(0, memory), cpu, _table(self.cpu / "cpu.stat").get("throttled_time", 0) / 1e9)
        except (OSError, ValueError):
            return None

    def killed_for_memory(self) -> int | None:
        """See limits.Limiter. `memory.failcnt` stays 0 on an OOM kill, `oom_kill` does not."""
        try:
            killed = _table(self.memory / "memory.oom_control").get("oom_kill", 0)
            return _number(self.memory / "memory.max_usage_in_bytes") if killed else None
        except (OSError, ValueError):
            return None


class CgroupV2(_Cgroup):
    """Limits of one container by a control group of version 2."""

    name = "cgroup v2"

    def __init__(self, group: Path, memory_bytes: int, millicores: int) -> None:
        super().__init__([group], memory_bytes, millicores)
        self.group = group

    def prepare(self) -> None:
        """See limits.Limiter. Fails where this process's own group holds processes and is not the root."""
        control = self.group.parent / "cgroup.subtree_control"
        if not {"memory", "cpu"} <= set(control.read_text().split()):
            control.write_text("+memory +cpu")
        self.group.mkdir()
        (self.group / "memory.max").write_text(str(self.memory_bytes))
        with suppress(FileNotFoundError):
            (self.group / "memory.swap.max").write_text("0")
        (self.group / "cpu.max").write_text(f"{self.quota} {PERIOD}")

    def usage(self) -> Usage | None:
        """See limits.Limiter."""
        try:
            cache = _table(self.group / "memory.stat").get("inactive_file", 0)
            memory = _number(self.group / "memory.current") - cache
            cpu = _table(self.group / "cpu.stat")
            return Usage(max(0, memory), cpu["usage_usec"] / 1e6, cpu.get("throttled_usec", 0) / 1e6)
        except (OSError, ValueError, KeyError):
            return None

    def killed_for_memory(self) -> int | None:
        """See limits.Limiter."""
        try:
            if not _table(self.group / "memory.events").get("oom_kill", 0):
                return None
            peak = self.group / "memory.peak"  # since Linux 5.19
            return _number(peak) if peak.exists() else self.memory_bytes
        except (OSError, ValueError):
            return None


def _number(path: Path) -> int:
    return int(path.read_text())


def _table(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def remove_group(group: Path, patience: float = 2.0) -> bool:
    """Kill what is in a control group and remove it. False where it is still there after `patience` seconds."""
    deadline = time.monotonic() + patience
    while group.is_dir():
        try:
            for pid in (group / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            group.rmdir()
        except OSError:
            # busy until the kernel has buried the last process
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
    return True
