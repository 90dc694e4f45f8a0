"""The processes of one step: how they are signalled as one process group, awaited and reaped."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

GRACE_PERIOD = 5.0
"""Seconds between SIGTERM and SIGKILL. Kubernetes gives 30; on one machine somebody is waiting."""
TERMINATED = 128 + signal.SIGTERM
"""Exit code of a step that the engine ended, as a shell reports a program that SIGTERM ended."""


@dataclass(frozen=True)
class StepProgram:
    """What a step starts: the program with its arguments, its working directory and its environment variables."""

    argv: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    enter: Callable[[], None] | None = None
    """Called in the new process before the program starts, to change its view of the file system. None: the step sees
    the machine's files."""
    preload: str = ""
    """A module that imports what this program, `python -m MODULE ...`, needs; the step may then be forked from a
    process that has imported it already."""


@dataclass
class Finished:
    """How the program of a step ended."""

    code: int
    """The exit code that the node gets."""
    stdout: bytes = b""
    """The end of its standard output, where it was captured."""
    end_reason: str = ""
    """Why the engine ended the step; empty where it ended by itself."""
    problem: str = ""
    """Why the program could not be started; empty where it was started."""


class Process(Protocol):
    """The first process of a step. It leads a process group of its own, whose id is the same as its process id."""

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the process group."""

    async def until_ended(self) -> None:
        """Wait until the process has ended. It is not reaped, so its group's id cannot be given to other processes."""

    def reap(self) -> int:
        """Reap a process that has ended or has been sent SIGKILL.

        Returns its exit code, or the negative number of the signal that ended it.
        """


class SpawnedProcess:
    """A process that the engine started itself, with subprocess."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the process group."""
        return self._popen.pid

    async def until_ended(self) -> None:
        """Wait until the process has ended, without reaping it."""
        await _wait_for_exit(self._popen.pid)

    def reap(self) -> int:
        """Reap it; returns its exit code, or the negative number of the signal that ended it."""
        return self._popen.wait()


class StepProcess:
    """All processes of one step. It exists before the first process does, so that a step can be ended at any time."""

    def __init__(self) -> None:
        self.process: Process | None = None
        """The first process; None until it has started."""
        self.end_reason = ""
        """Why the engine ended the step; empty where it did not."""
        self._killer: asyncio.TimerHandle | None = None
        self._reaped = False

    def begin(self, process: Process) -> None:
        """Take over the first process, which has just started. It is ended at once if `end` was called before."""
        self.process = process
        if self.end_reason:
            self.end(self.end_reason)

    async def until_ended(self) -> None:
        """Wait until the first process has ended. Other processes of the group may still run then."""
        if self.process:
            await self.process.until_ended()

    def end(self, reason: str, at_once: bool = False) -> None:
        """Send SIGTERM to the whole group, and SIGKILL after GRACE_PERIOD seconds; `at_once`: SIGKILL now."""
        self.end_reason = self.end_reason or reason
        if self.process is None:
            return
        self._signal(signal.SIGKILL if at_once else signal.SIGTERM)
        if self._killer is None and not at_once:
            self._killer = asyncio.get_running_loop().call_later(GRACE_PERIOD, self._signal, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.process is None or self._reaped:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def reap(self) -> int:
        """Reap the first process and return the step's exit code.

        Whatever still runs in the group is killed first: once the first process is reaped, the group's id may belong to
        other processes.
        """
        if self._killer:
            self._killer.cancel()
        if self.process is None or self._reaped:
            return TERMINATED
        self._signal(signal.SIGKILL)
        self._reaped = True
        code = self.process.reap()
        if code >= 0:
            return code
        # Argo's executor reports 1 for a program that a signal ended
        return TERMINATED if self.end_reason else 1


async def _wait_for_exit(pid: int) -> None:
    """Wait until the process has ended, without reaping it; where the kernel has pidfds, without a thread."""
    loop = asyncio.get_running_loop()
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        # kernels before 5.3 and some sandboxes have no pidfd
        await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return
    done = asyncio.Event()
    loop.add_reader(handle, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
