"""The processes of a run with all that they started: their memory, their CPU time, and how they are found and ended."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from slipway_steps.adapters.local.subreaper import MARK

RUN = "SLIPWAY_PERF_RUN"
"""The same for each run of a session; its value is the home of the run."""
EVERY = 0.1
"""Seconds between two measurements: a step of a second is seen ten times."""
SHARE = 0.01
"""Most of one core that the measurements may take; where they take longer, they are made less often."""
LOOKS, LOOK_EVERY = 4, 0.04
"""Looks without a find after which no process is left, and the seconds between them; a program starts in a few ms."""
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def marked(mark: str) -> list[psutil.Process]:
    """The living processes with that mark, also those that have left their process group or lost their parent."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def end_marked(mark: str, seconds: float = 10.0) -> list[int]:
    """Kill all processes with that mark; returns their process ids. It gives up after so many seconds.

    It ends when several looks in a row have found none: a process whose program is just being started has no
    environment for a moment, and so is not seen.
    """
    ended: list[int] = []
    deadline, empty = time.monotonic() + seconds, 0
    while empty < LOOKS and time.monotonic() < deadline:
        left = marked(mark)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        ended += [process.pid for process in left if process.pid not in ended]
        empty = 0 if left else empty + 1
        # they are not waited for by psutil, which would reap those that this program has started itself
        time.sleep(LOOK_EVERY)
    return ended


def end_left(run: str) -> float:
    """Kill what a run that has ended has left, as the end of a container does; returns the CPU seconds that this has
    used until now. run: the value of RUN. Nobody has waited for these processes, so that no other count has them.
    """
    told = f"{RUN}={run}".encode()
    roots = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if told in _environment(pid)]  # noqa: PTH208 - after each run; a Path for each process would double it
    left = {pid for root in roots for pid in family(root)}
    seconds = sum(map(cpu_seconds, left))
    for pid in left:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return seconds


def _environment(pid: int) -> list[bytes]:
    """The environment of a process; none of one that has ended, or is another user's."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and of the children that it has waited for; 0 where it is gone."""
    with suppress(OSError, IndexError, ValueError):
        # the name of the program may have spaces and parentheses
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    return 0.0


def children_of(pid: int) -> Iterator[int]:
    """The children of a process. Linux lists them by thread, so that not all of /proc is read."""
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - ten times a second; a Path each would double it
            yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())


def family(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    for child in children_of(pid):
        yield from family(child)


def _memory(pid: int, forked_from: tuple[str, str] | None = None) -> int:
    """Resident bytes of a process and of all that descend from it. forked_from: the address space of its parent.

    A process that was forked and runs no program of its own has the pages of its parent, and counts with those that it
    does not share. For a moment that is each process that is started, so that without this the largest memory would be
    that of the start. Pages of libraries that different programs share count for each.
    """
    space = _address_space(pid)
    if forked_from is None or space is None or space[0] != forked_from[0]:
        own = resident_memory(pid)
    elif space == forked_from:  # just forked, or it has no address space of its own until its program begins (vfork)
        own = 0
    else:
        own = _rollup(pid, "Private_Clean:", "Private_Dirty:")
    return own + sum(_memory(child, space) for child in children_of(pid))


def _address_space(pid: int) -> tuple[str, str] | None:
    """Where the stack of a process begins, which its program got at random and its forks keep, and its sizes; None
    where it is gone or not ours to read.
    """
    with suppress(OSError, IndexError):
        # the name of the program may have spaces and parentheses
        stack = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[25]
        return None if stack == "0" else (stack, Path(f"/proc/{pid}/statm").read_text())
    return None


def resident_memory(pid: int) -> int:
    """Resident bytes of one process; 0 where it is gone."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


def proportional_memory(pid: int) -> int:
    """Bytes of one process, of memory that it shares only its part (PSS); 0 where it is gone or not ours to read."""
    return _rollup(pid, "Pss:")


def _rollup(pid: int, *names: str) -> int:
    """The sum of these sizes of a process in bytes; 0 where it is gone or not ours to read."""
    with suppress(OSError, IndexError, ValueError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
    return 0


class PeakMemory:
    """Measures the largest memory of several process trees. One thread measures all of them, while there are any.

    beside: called at each measurement.
    """

    def __init__(self, beside: Callable[[], None] = lambda: None) -> None:
        self._beside = beside
        self._peaks: dict[int, int] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def watch(self, pid: int) -> None:
        """Begin to measure the tree of a process."""
        with self._changed:
            self._peaks[pid] = 0
            if self._thread is None:
                self._thread = threading.Thread(target=self._measure, name="peak-memory", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take(self, pid: int) -> int:
        """Stop measuring a tree; returns the largest number of bytes, 0 where it ended before it was measured."""
        with self._changed:
            return self._peaks.pop(pid, 0)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def _measure(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._peaks or self._closed)
                if self._closed:
                    return
                pids = list(self._peaks)
            began = time.thread_time()
            measured = {pid: _memory(pid) for pid in pids}
            self._beside()
            with self._changed:
                for pid, memory in measured.items():
                    if pid in self._peaks:
                        self._peaks[pid] = max(self._peaks[pid], memory)
                self._changed.wait_for(lambda: self._closed, max(EVERY, (time.thread_time() - began) / SHARE))
