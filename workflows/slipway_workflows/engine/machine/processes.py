"""Runs steps as processes: a group each, ended as a whole, never outliving the engine."""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from slipway_workflows.engine.machine.forks import ForkServer

RESULT_LIMIT = 256 * 1024
"""Bytes at the end of standard output that become `outputs.result`, as in Argo."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL. Kubernetes gives 30; on one machine somebody is waiting."""
TERMINATED = 128 + signal.SIGTERM
NOT_FOUND = 64
"""Exit code of Argo's executor for a program that cannot be started."""


@dataclass
class Finished:
    """How a process ended. `ended`: why the engine ended it, or empty."""

    code: int
    stdout: bytes = b""
    ended: str = ""
    problem: str = ""


class Process(Protocol):
    """A step's first process, whose id is that of its group, too."""

    @property
    def pid(self) -> int:
        """Its process id."""

    async def ended(self) -> None:
        """Wait until it has ended, without reaping it."""

    def wait(self) -> int:
        """Reap it once it has ended or was killed; its exit code, negative for the signal that ended it."""


class Started:
    """A process of this engine's own."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen

    @property
    def pid(self) -> int:
        """See Process."""
        return self._popen.pid

    async def ended(self) -> None:
        """See Process."""
        await _exit_of(self._popen.pid)

    def wait(self) -> int:
        """See Process."""
        return self._popen.wait()


class Child:
    """A step that runs or is about to: `process` is there once it has started."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.ended = ""
        self._killer: asyncio.TimerHandle | None = None
        self._reaped = False

    def begin(self, process: Process) -> None:
        """It runs. What was to end it meanwhile ends it now."""
        self.process = process
        if self.ended:
            self.end(self.ended)

    async def until_ended(self) -> None:
        """Wait until its process, which has started, has ended; what it left in its group may still run."""
        if self.process:
            await self.process.ended()

    def end(self, reason: str, at_once: bool = False) -> None:
        """SIGTERM to the whole group, SIGKILL after GRACE seconds, or at once."""
        self.ended = self.ended or reason
        if self.process is None:
            return
        self._signal(signal.SIGKILL if at_once else signal.SIGTERM)
        if self._killer is None and not at_once:
            self._killer = asyncio.get_running_loop().call_later(GRACE, self._signal, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.process is None or self._reaped:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def reap(self) -> int:
        """The exit code; what the step left running in its group is killed first, while the group is still its own."""
        if self._killer:
            self._killer.cancel()
        if self.process is None or self._reaped:
            return TERMINATED
        self._signal(signal.SIGKILL)
        self._reaped = True
        code = self.process.wait()
        if code >= 0:
            return code
        # Argo's executor reports 1 for a program that a signal ended
        return TERMINATED if self.ended else 1


class Processes:
    """All steps that run now, and the guardian that ends them should the engine be killed."""

    def __init__(self) -> None:
        self.running: dict[str, Child] = {}
        self._count = itertools.count()
        guardian = Path(__file__).with_name("guardian.py")
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(guardian)],
            stdin=subprocess.PIPE,
            bufsize=0,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert self._guardian.stdin is not None  # noqa: S101 - opened as a pipe just now
        self._pipe = self._guardian.stdin.fileno()
        self._forks: ForkServer | None = None

    def close(self) -> None:
        """Kill what still runs and let the guardian go."""
        for child in self.running.values():
            child.reap()
        self.running.clear()
        if self._forks:
            self._forks.close()
        if self._guardian.stdin:
            with contextlib.suppress(OSError):
                self._guardian.stdin.close()
        self._guardian.wait()

    def end_all(self, reason: str, at_once: bool = False, keep: frozenset[str] = frozenset()) -> None:
        """End every running step but those whose node ids are in `keep`."""
        for key, child in self.running.items():
            if key not in keep:
                child.end(reason, at_once)

    def _begin(self, step: int, enter: Callable[[], None] | None) -> None:
        """Called in a step's process: tell the guardian of its group, then change its view."""
        os.write(self._pipe, b"+%d %d\n" % (step, os.getpid()))
        if enter is not None:
            enter()

    def _forget(self, step: int) -> None:
        with contextlib.suppress(OSError):
            os.write(self._pipe, b"-%d\n" % step)

    async def run(
        self,
        key: str,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        log: Path,
        capture: bool,
        seconds: float | None = None,
        late: str = "",
        enter: Callable[[], None] | None = None,
        preload: str = "",
    ) -> Finished:
        """Run a program to its end.

        `enter`: called in the new process before the program starts, to change its view of the file system. `capture`:
        keep its standard output (it goes to the log in any case). `seconds`: it is ended with reason `late` after that.
        `preload`: a module that imports what this program, `python -m MODULE ...`, needs; it may then be forked from a
        process that has done so.
        A program that cannot be started gives NOT_FOUND. Raises OSError where the log cannot be written.
        """
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        step = next(self._count)
        child = self.running[key] = Child()
        tee = _Tee(output) if capture else None
        timer = None
        try:
            streams = (tee.target if tee else output, output)
            forked = None
            if preload and enter is None:
                forked = await self._fork(preload, step, argv, directory, environment, streams)
            try:
                child.begin(forked or self._start(step, argv, directory, environment, streams, enter))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                return Finished(NOT_FOUND, problem=f"cannot start {argv[0]}: {getattr(error, 'strerror', error)}")
            if tee:
                tee.begin()
            timer = asyncio.get_running_loop().call_later(seconds, child.end, late) if seconds is not None else None
            await child.until_ended()
            return Finished(child.reap(), tee.finish() if tee else b"", child.ended)
        finally:
            if timer:
                timer.cancel()
            if tee:
                tee.close()
            os.close(output)
            child.reap()
            self.running.pop(key, None)
            self._forget(step)

    def _start(
        self,
        step: int,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int],
        enter: Callable[[], None] | None,
    ) -> Process:
        output, errors = streams
        return Started(
            subprocess.Popen(
                list(argv),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                # the step itself, before its program starts: an engine that is killed right now has no time left for it
                preexec_fn=partial(self._begin, step, enter),  # noqa: PLW1509 - one system call, no lock that a thread could hold
            )
        )

    async def _fork(
        self,
        preload: str,
        step: int,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int],
    ) -> Process | None:
        """The step as a fork of the server, which is started where there is none; None where that cannot be."""
        if self._forks is None or self._forks.rests:
            try:
                self._forks = ForkServer(preload, environment)
            except OSError:
                return None
            os.write(self._pipe, b"+server %d\n" % self._forks.pid)
        if not self._forks.suits(environment):
            return None
        return await self._forks.start(step, argv[2:], directory, environment, *streams, self._pipe)


class _Tee:
    """Copies what is written to `target`, a step's standard output, to its log and keeps the end of it."""

    def __init__(self, log: int) -> None:
        self._pipe, self.target = os.pipe()
        self._log = log
        self._kept = bytearray()

    def begin(self) -> None:
        """The step has its standard output, nobody else may keep it open."""
        os.close(self.target)
        self.target = -1
        os.set_blocking(self._pipe, False)
        asyncio.get_running_loop().add_reader(self._pipe, self._read)

    def _read(self) -> bool:
        try:
            data = os.read(self._pipe, 65536)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._pipe)
            return False
        with contextlib.suppress(OSError):
            os.write(self._log, data)
        self._kept += data
        if len(self._kept) > 4 * RESULT_LIMIT:
            del self._kept[:-RESULT_LIMIT]
        return True

    def finish(self) -> bytes:
        """What there is; a process that escaped from the group may hold the pipe open for ever."""
        while self._read():
            pass
        return bytes(self._kept[-RESULT_LIMIT:])

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pipe)
        os.close(self._pipe)
        if self.target >= 0:
            os.close(self.target)


async def _exit_of(pid: int) -> None:
    """Wait until the process has ended, without reaping it and without a thread or a poll."""
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
