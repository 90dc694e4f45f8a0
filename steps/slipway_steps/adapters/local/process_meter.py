"""Measures a process with all that descend from it: memory, processor, disk, and the same for named parts of it.

Memory is the proportional set size (PSS), in which a page that several processes share counts once: the resident size
of four forks of a process of 200 MiB adds up to 1,100 MiB. The kernel needs some ms to compute it, so that it is read
only as often as the meter may, and in between where the resident size has grown.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from slipway_steps.adapters.local.process_tree import PAGE, children_of, cpu_seconds

SHARE = 0.01
"""Most of one core that reading PSS may take where memory does not grow."""
GROWN = 1.03
"""Resident memory that is so many times that of the last reading has PSS read at once: a peak is not to be missed."""


class Usage(NamedTuple):
    """What some processes use at one moment: bytes of memory now, and the largest so far; and since they began seconds
    of processor time, bytes read from disks and written to them.

    Memory is at least what the largest process holds: pages that it shares with processes which are not measured, such
    as the server that it was forked from, it would need in a pod of its own too.
    """

    memory: int
    peak: int
    cpu: float
    read: int
    written: int
    processes: int


class Sample(NamedTuple):
    """A measurement. `at`: seconds of the monotonic clock. `groups`: the usage of each named group that lives."""

    at: float
    total: Usage
    groups: Mapping[str, Usage]


@dataclass
class _Process:
    """What is known of one process. `high`: the largest resident bytes since its program began."""

    resident: int = 0
    pss: int = 0
    high: int = 0
    cpu: float = 0.0
    read: int = 0
    written: int = 0
    unseen: int = 0
    """Bytes that it had more, for a moment since the last sample, than now."""


@dataclass
class _Sum:
    """The sum over some processes, while a sample is taken."""

    members: list[_Process] = field(default_factory=list)

    def usage(self, before: Usage | None) -> Usage:
        members = self.members
        memory = max(sum(one.pss for one in members), *(one.resident for one in members), 0)
        # between two samples at most one process is taken to have had its peak, as peaks need not coincide
        peak = memory + max((one.unseen for one in members), default=0)
        return Usage(
            memory,
            max(peak, before.peak if before else 0),
            sum(one.cpu for one in members),
            sum(one.read for one in members),
            sum(one.written for one in members),
            len(members),
        )


class ProcessMeter:
    """Measures the tree of the process `pid`, whenever `sample` is called. `share`: see SHARE."""

    def __init__(self, pid: int, share: float = SHARE) -> None:
        self._pid, self._share = pid, share
        self._known: dict[int, _Process] = {}
        self._last: dict[str, Usage] = {}
        self._total: Usage | None = None
        self._resident = 0
        self._pss_due = 0.0

    def sample(self, groups: Mapping[str, int] | None = None) -> Sample | None:
        """Measure now; None where the process has ended.

        `groups`: name -> process group. What has left its group, but descends from its first process, belongs to it;
        so does what has lost its parent, but not left the group.
        """
        groups = groups or {}
        names = {number: name for name, number in groups.items()}
        owners: dict[int, str | None] = dict(_tree(self._pid, names))
        for orphan, name in _orphans(owners, names):
            owners.update(_tree(orphan, names, name))
        found = {pid: one for pid in owners if (one := self._read(pid)) is not None}
        if self._pid not in found:
            return None
        self._read_pss(found)
        sums: dict[str, _Sum] = {name: _Sum() for name in groups}
        for pid, one in found.items():
            if (owner := owners[pid]) is not None:
                sums[owner].members.append(one)
        self._known = found
        self._last = {name: one.usage(self._last.get(name)) for name, one in sums.items() if one.members}
        self._total = _Sum(list(found.values())).usage(self._total)
        return Sample(time.monotonic(), self._total, dict(self._last))

    def _read(self, pid: int) -> _Process | None:
        """A process as it is now, without PSS; None for one that has ended."""
        one = _Process()
        with suppress(OSError, ValueError, IndexError):
            directory = f"/proc/{pid}"
            one.cpu = cpu_seconds(pid)
            one.resident = int(_text(f"{directory}/statm").split()[1]) * PAGE
            if not one.resident:
                return None  # it has ended, and is not reaped yet
            one.high = 1024 * _field(_text(f"{directory}/status"), "VmHWM:")
            with suppress(PermissionError):
                counts = _text(f"{directory}/io")
                one.read, one.written = _field(counts, "read_bytes:"), _field(counts, "\nwrite_bytes:")
            before = self._known.get(pid)
            if before is None or one.high > before.high:
                one.unseen = max(0, one.high - one.resident)
            # until it is read again, the same part of the resident memory as before
            one.pss = round(one.resident * before.pss / before.resident) if before else one.resident
            return one
        return None

    def _read_pss(self, found: Mapping[int, _Process]) -> None:
        resident = sum(one.resident for one in found.values())
        now = time.monotonic()
        if now < self._pss_due and resident <= GROWN * self._resident and self._known.keys() >= found.keys():
            return
        began = time.thread_time()
        for pid, one in found.items():
            with suppress(OSError, ValueError):
                one.pss = 1024 * _field(_text(f"/proc/{pid}/smaps_rollup"), "\nPss:")
        self._resident = resident
        self._pss_due = now + (time.thread_time() - began) / self._share


def _tree(pid: int, names: Mapping[int, str], name: str | None = None) -> Iterator[tuple[int, str | None]]:
    """A process and all that descend from it, each with the name of the group that it belongs to.

    The first process of a group has the group's number.
    """
    name = names.get(pid, name)
    yield pid, name
    for child in children_of(pid):
        yield from _tree(child, names, name)


def _orphans(known: Mapping[int, object], names: Mapping[int, str]) -> list[tuple[int, str]]:
    """The processes of a group that do not descend from the process that is measured, with the group's name."""
    if not names:
        return []
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - a Path for each process of the machine would cost more
        if entry.isdigit() and (pid := int(entry)) not in known:
            with suppress(ProcessLookupError):
                if (name := names.get(os.getpgid(pid))) is not None:
                    found.append((pid, name))
    return found


def _text(path: str) -> str:
    return Path(path).read_text()


def _field(text: str, name: str) -> int:
    """The number after a name in a file of /proc; 0 where there is none, as in a process that is ending."""
    rest = text.partition(name)[2].split(maxsplit=1)
    return int(rest[0]) if rest else 0
