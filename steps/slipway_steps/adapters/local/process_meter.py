"""Measures a process with all that descend from it: memory, processor, disk, and the same for named parts of it.

Memory is the proportional set size (PSS), in which a page that several processes share counts once: the resident size
of four forks of a process of 200 MiB adds up to 1,100 MiB. The kernel needs some ms to compute it, so that it is read
only as often as the meter may, and in between where the resident size has grown.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from slipway_steps.adapters.local.process_tree import PAGE, TICKS, children_of

SHARE = 0.01
"""Most of one core that reading PSS may take where memory does not grow."""
GROWN = 1.03
"""Resident memory that is so many times that of the last reading has PSS read at once: a peak is not to be missed."""


class Usage(NamedTuple):
    """What some processes use at one moment: bytes of memory now, and the largest so far; and since they began seconds
    of processor time, bytes read from disks and written to them, which never become less: what was seen of processes
    that have ended since stays in them.

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
    """What is known of one process.

    `resident`: 0 of one that has ended and was not waited for. `high`: the largest number of resident bytes since its
    program began. `begun`: its start, which tells it from a later one with its id. `parent`: a process id. `waited`:
    the part of `cpu` that is of children which have ended and were waited for.
    """

    resident: int = 0
    pss: int = 0
    high: int = 0
    cpu: float = 0.0
    read: int = 0
    written: int = 0
    begun: str = ""
    parent: int = 0
    waited: float = 0.0
    unseen: int = 0
    """Bytes that it had more, for a moment since the last sample, than now."""


@dataclass
class _Gone:
    """What was used by processes of a tree, or of a group, that are gone without being counted by their parent.

    Linux adds what a process has used to its parent's counters if the parent waits for it. It is lost if nobody does:
    the parent ignores the signal, or has ended; for a group also if the one who waits is outside of it.
    """

    cpu: float = 0.0
    read: int = 0
    written: int = 0
    members: Mapping[int, _Process] = field(default_factory=dict)

    def update(self, members: Mapping[int, _Process]) -> None:
        """Take what the members of the last sample had used that are not among those of this one."""
        lost: dict[int | None, list[_Process]] = {}
        for pid, one in self.members.items():
            if not _same(one, members.get(pid)):
                lost.setdefault(self._heir(one, members), []).append(one)
        for heir, gone in lost.items():
            cpu, read, written = 0.0, 0, 0
            if heir is not None:
                before, now = self.members[heir], members[heir]
                cpu, read, written = now.waited - before.waited, now.read - before.read, now.written - before.written
            self.cpu += max(0.0, sum(one.cpu for one in gone) - cpu)
            self.read += max(0, sum(one.read for one in gone) - read)
            self.written += max(0, sum(one.written for one in gone) - written)
        self.members = members

    def _heir(self, one: _Process, members: Mapping[int, _Process]) -> int | None:
        """The nearest ancestor that is still there, whose counters have what was waited for."""
        for _ in self.members:
            parent = self.members.get(one.parent)
            if parent is None:
                return None
            if _same(parent, members.get(one.parent)):
                return one.parent
            one = parent
        return None


def _same(one: _Process, other: _Process | None) -> bool:
    return other is not None and one.begun == other.begun


@dataclass
class _Sum:
    """The sum over some processes, while a sample is taken."""

    gone: _Gone
    members: dict[int, _Process] = field(default_factory=dict)

    def usage(self, before: Usage | None) -> Usage:
        self.gone.update(self.members)
        members = self.members.values()
        memory = max(sum(one.pss for one in members), *(one.resident for one in members), 0)
        # between two samples at most one process is taken to have had its peak, as peaks need not coincide
        peak = memory + max((one.unseen for one in members), default=0)
        return Usage(
            memory,
            max(peak, before.peak if before else 0),
            self.gone.cpu + sum(one.cpu for one in members),
            self.gone.read + sum(one.read for one in members),
            self.gone.written + sum(one.written for one in members),
            sum(one.resident > 0 for one in members),
        )


class ProcessMeter:
    """Measures the tree of the process `pid`, whenever `sample` is called. `share`: see SHARE."""

    def __init__(self, pid: int, share: float = SHARE) -> None:
        self._pid, self._share = pid, share
        self._known: dict[int, _Process] = {}
        self._last: dict[str, Usage] = {}
        self._total: Usage | None = None
        self._gone, self._gone_of = _Gone(), dict[str, _Gone]()
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
        found = self._read_all(owners)
        if self._pid not in found or not found[self._pid].resident:
            return None
        self._read_pss(found)
        self._gone_of = {name: self._gone_of.get(name) or _Gone() for name in groups}
        sums = {name: _Sum(gone) for name, gone in self._gone_of.items()}
        for pid, one in found.items():
            if (owner := owners[pid]) is not None:
                sums[owner].members[pid] = one
        self._known = found
        self._last = {name: one.usage(self._last.get(name)) for name, one in sums.items() if one.members}
        self._total = _Sum(self._gone, found).usage(self._total)
        return Sample(time.monotonic(), self._total, dict(self._last))

    def _read_all(self, pids: Iterable[int]) -> dict[int, _Process]:
        """The processes as they are now. What has ended is either among them, or in the counters of its parent."""
        found = {pid: one for pid in pids if (one := self._read(pid)) is not None}
        ended = {pid: one for pid, one in self._known.items() if pid not in found}
        while ended:
            # its parent may have been read before it waited for it; and again for another one after that was read
            for parent in {one.parent for one in ended.values()} & found.keys():
                found[parent] = self._read(parent) or found[parent]
            ended = {pid: one for pid, one in found.items() if not os.path.exists(f"/proc/{pid}")}  # noqa: PTH110 - a Path each would cost more
            for pid in ended:
                del found[pid]
        return found

    def _read(self, pid: int) -> _Process | None:
        """A process as it is now, without PSS; None for one that is gone."""
        one = _Process()
        with suppress(OSError, ValueError, IndexError):
            directory = f"/proc/{pid}"
            # the name of the program may have spaces and parentheses
            fields = _text(f"{directory}/stat").rpartition(")")[2].split()
            one.parent, one.begun = int(fields[1]), fields[19]
            one.waited = sum(map(int, fields[13:15])) / TICKS
            one.cpu = sum(map(int, fields[11:15])) / TICKS
            before = self._known.get(pid)
            if before is not None and not _same(before, one):
                before = None
            if before:
                one.read, one.written = before.read, before.written
            with suppress(PermissionError):
                counts = _text(f"{directory}/io")
                one.read, one.written = _field(counts, "read_bytes:"), _field(counts, "\nwrite_bytes:")
            one.resident = int(_text(f"{directory}/statm").split()[1]) * PAGE
            if not one.resident:
                return one  # it has ended, and nobody has waited for it yet
            one.high = 1024 * _field(_text(f"{directory}/status"), "VmHWM:")
            if before is None or one.high > before.high:
                one.unseen = max(0, one.high - one.resident)
            # until it is read again, the same part of the resident memory as before
            part = before.pss / before.resident if before and before.resident else 1
            one.pss = round(one.resident * part)
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
