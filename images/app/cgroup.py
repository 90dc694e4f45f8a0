"""What the kernel has counted for the control group of this process, as metrics. In a pod that is the container's own
group, which its limits apply to.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


class CgroupUsage:
    """A collector for prometheus_client. It gives no metrics where there is no control group that can be read."""

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        with suppress(OSError, ValueError):
            memory, cpu, throttled = _version_2() if (CGROUPS / "cgroup.controllers").exists() else _version_1()
            yield GaugeMetricFamily(
                "cgroup_memory_working_set_bytes", "Memory, less the file cache that could be dropped.", memory
            )
            yield CounterMetricFamily("cgroup_cpu_seconds", "CPU time that was used, in seconds.", cpu)
            yield CounterMetricFamily(
                "cgroup_cpu_throttled_seconds", "Time in which the CPU limit stopped it, in seconds.", throttled
            )


def _version_2() -> tuple[int, float, float]:
    group = _group(CGROUPS, "")
    used = int((group / "memory.current").read_text()) - _number(group / "memory.stat", "inactive_file")
    spent, throttled = (_number(group / "cpu.stat", key) / 1e6 for key in ("usage_usec", "throttled_usec"))
    return max(0, used), spent, throttled


def _version_1() -> tuple[int, float, float]:
    memory, accounts, cpu = (_group(CGROUPS / name, name) for name in ("memory", "cpuacct", "cpu"))
    used = int((memory / "memory.usage_in_bytes").read_text()) - _number(memory / "memory.stat", "total_inactive_file")
    spent = int((accounts / "cpuacct.usage").read_text()) / 1e9
    return max(0, used), spent, _number(cpu / "cpu.stat", "throttled_time") / 1e9


def _group(root: Path, controller: str) -> Path:
    """The group of this process. In a container the path is that of the node, and `root` is the group itself."""
    for line in OWN.read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(",") and (root / path.lstrip("/")).is_dir():
            return root / path.lstrip("/")
    return root


def _number(path: Path, key: str) -> int:
    """The number beside `key`; 0 where the file does not name it, as `throttled_usec` without a limit."""
    lines = (line.split() for line in path.read_text().splitlines())
    return next((int(words[1]) for words in lines if words[0] == key), 0)
