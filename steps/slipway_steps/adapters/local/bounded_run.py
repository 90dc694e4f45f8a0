"""Runs a program under a time and a memory limit that hold for all that it starts, and leaves none of it behind.

`run_bounded` starts this module as a process of its own, the runner. It is a subreaper: a process whose parent has
ended becomes its child, also one in a session of its own, so nothing that the program started can hide. It ends
everything when a limit is crossed, when the program has ended, and when the process that started the runner is gone.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from slipway_steps.adapters.local.control_groups import CGROUPS, remove_group
from slipway_steps.adapters.local.process_tree import family, proportional_memory, resident_memory
from slipway_steps.domain.errors import PlatformError

PR_SET_CHILD_SUBREAPER = 36
EVERY = 0.1
"""Seconds between two looks at the memory."""
PSS_EVERY, PSS_SHARE = 0.25, 0.03
"""Least seconds between two measurements of the proportional memory, and the share of one core that they may take. It
costs some ms for each process; resident memory is cheap, but counts what processes share once for each."""
GRACE = 1.0
"""Seconds in which helpers of a program that has ended may end by themselves."""
CLEAN_UP = 30.0
"""Seconds for the command that cleans up."""
GIVE_UP = 10.0
"""Seconds after which a process that SIGKILL does not end (it waits for a device) is reported instead."""


@dataclass(frozen=True)
class Bounds:
    """The program, its limits, and what cleans up after it.

    memory: bytes of all processes together, what they share counted once. clean_up: a command that is run at the end if
    the path `clean_up_if` exists then; empty: none. stdout, stderr: files of the program's output.
    """

    command: Sequence[str]
    stdout: str
    stderr: str
    seconds: float
    memory: int
    clean_up: Sequence[str] = ()
    clean_up_if: str = ""


@dataclass
class BoundedRun:
    """How it went.

    code: of the program (negative: a signal). until: when it ended or was killed, in Unix seconds. ended_by: "timeout",
    "memory" or "stopped" where it was killed, else "". peak: bytes. late: seconds from the timeout, or from the last
    look that found the memory below its limit, until nothing of it lived any more. left: commands of processes that had
    outlived the program and were killed. alive: processes that could not be ended.
    """

    code: int = 0
    seconds: float = 0.0
    until: float = 0.0
    peak: int = 0
    ended_by: str = ""
    late: float = 0.0
    left: list[str] = field(default_factory=list)
    alive: list[int] = field(default_factory=list)


def run_bounded(bounds: Bounds, environment: Mapping[str, str] | None = None) -> BoundedRun:
    """Run a program until it has ended and nothing of it is left. environment: None: that of this process.

    Raises PlatformError where that cannot be done.
    """
    runner = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,  # Ctrl-C is for us alone: the end of its input tells the runner
    )
    assert runner.stdin  # noqa: S101 - for mypy; it is a pipe
    assert runner.stdout  # noqa: S101 - for mypy; it is a pipe
    try:
        runner.stdin.write(json.dumps(asdict(bounds)) + "\n")
        runner.stdin.flush()
        said = runner.stdout.read()
    finally:
        with suppress(OSError):
            runner.stdin.close()
        runner.wait()
        runner.stdout.close()
    try:
        return BoundedRun(**json.loads(said))
    except (ValueError, TypeError) as error:
        raise PlatformError(
            f"the process that watches {bounds.command[0]} ended with {runner.returncode}", "is there memory left?"
        ) from error


def _reap() -> dict[int, int] | None:
    """The wait status of each child that has ended, by process id; None: there are no children any more."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended or None
        if not pid:
            return ended
        ended[pid] = status


def _others() -> list[int]:
    return [pid for pid in family(os.getpid()) if pid != os.getpid()]


def _end_all(seconds: float = GIVE_UP) -> list[int]:
    """Kill all that descends from this process, and remove its control groups: who would do that is killed too.

    Returns the ids of what is still there after so many seconds.
    """
    deadline = time.monotonic() + seconds
    groups: set[Path] = set()
    while _reap() is not None:
        # a process that forks is no faster: what it starts descends from us too, and is met by the next look
        for pid in _others():
            groups |= _groups(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return _others()
        time.sleep(0.005)
    for group in groups:
        remove_group(group)
    return []


def _groups(pid: int) -> set[Path]:
    """The control groups that Slipway has made for a process, one for each hierarchy."""
    found = set()
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if path.rpartition("/")[2].startswith("slipway-"):
                found |= {(CGROUPS / one).resolve() / path.lstrip("/") for one in controllers.split(",")}
    return found


class _Memory:
    """Finds the peak of the proportional memory, and whether it is above the limit."""

    def __init__(self, limit: int) -> None:
        self.limit, self.peak = limit, 0
        self.below = time.monotonic()
        """When it was last known to be below the limit."""
        self._resident, self._measured, self._pause = 0, 0.0, PSS_EVERY

    def above(self) -> bool:
        """Look once. What is resident is never less than the proportional part, so most looks need only that."""
        now = time.monotonic()
        pids = _others()
        resident = sum(map(resident_memory, pids))
        if resident <= self.limit:
            self.below = now
        pause = self._pause
        if resident > self.limit or resident > 1.05 * self._resident:
            pause = PSS_EVERY
        if resident <= self.peak or now - self._measured < pause:
            return False
        began = time.thread_time()
        proportional = sum(map(proportional_memory, pids))
        self._pause = max(PSS_EVERY, (time.thread_time() - began) / PSS_SHARE)
        self._resident, self._measured = resident, time.monotonic()
        self.peak = max(self.peak, proportional)
        if proportional > self.limit:
            return True
        self.below = now
        return False


def _watch(bounds: Bounds, done: BoundedRun) -> float:
    """Run the program until it has ended, a limit is crossed, or our own input ends.

    Returns the moment from which it should have lived no more.
    """
    memory = _Memory(bounds.memory)
    began = time.monotonic()
    with Path(bounds.stdout).open("wb") as stdout, Path(bounds.stderr).open("wb") as stderr:
        child = subprocess.Popen(
            bounds.command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
        )
    handle = os.pidfd_open(child.pid)
    while True:
        ended = _reap()
        now = time.monotonic()
        done.seconds = now - began
        if ended is None or child.pid in ended:
            done.code = child.returncode = os.waitstatus_to_exitcode((ended or {}).get(child.pid, 0))
            break
        if now - began >= bounds.seconds:
            done.ended_by = "timeout"
            break
        if memory.above():
            done.ended_by = "memory"
            break
        left = max(0.0, began + bounds.seconds - time.monotonic())
        if sys.stdin in select.select([sys.stdin, handle], [], [], min(EVERY, left))[0]:
            done.ended_by = "stopped"
            break
    done.until = time.time()
    os.close(handle)
    done.peak = memory.peak
    return {"timeout": began + bounds.seconds, "memory": memory.below}.get(done.ended_by, time.monotonic())


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return ""


def _settle(seconds: float) -> bool:
    """Wait until all children have ended by themselves; returns whether they have."""
    deadline = time.monotonic() + seconds
    while _reap() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _clean_up(bounds: Bounds) -> None:
    if not bounds.clean_up or not Path(bounds.clean_up_if).exists():
        return
    quiet = subprocess.DEVNULL
    command = subprocess.Popen(bounds.clean_up, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    with suppress(subprocess.TimeoutExpired):
        command.wait(CLEAN_UP)


def run(bounds: Bounds) -> BoundedRun:
    """What the runner does; it changes this process, so call it in one of its own."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this kernel has no subreaper")
    done = BoundedRun()
    over = _watch(bounds, done)
    if done.ended_by:
        done.alive = _end_all()
        done.late = time.monotonic() - over
    _clean_up(bounds)
    if not _settle(GRACE):
        done.left = [text for pid in _others() if (text := _command(pid))]
        done.alive = _end_all()
    return done


if __name__ == "__main__":
    told = json.dumps(asdict(run(Bounds(**json.loads(sys.stdin.readline())))))
    with suppress(OSError):  # nobody listens any more
        os.write(sys.stdout.fileno(), told.encode())
