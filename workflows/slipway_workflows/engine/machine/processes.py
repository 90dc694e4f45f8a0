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


class Child:
    """A running step."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self.popen = popen
        self.ended = ""
        self._killer: asyncio.TimerHandle | None = None

    def end(self, reason: str, at_once: bool = False) -> None:
        """SIGTERM to the whole group, SIGKILL after GRACE seconds, or at once."""
        self.ended = self.ended or reason
        self._signal(signal.SIGKILL if at_once else signal.SIGTERM)
        if self._killer is None and not at_once:
            self._killer = asyncio.get_running_loop().call_later(GRACE, self._signal, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def reap(self) -> int:
        """The exit code; what the step left running in its group is killed first, while the group is still its own."""
        if self._killer:
            self._killer.cancel()
        self._signal(signal.SIGKILL)
        code = self.popen.wait()
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

    def close(self) -> None:
        """Kill what still runs and let the guardian go."""
        for child in self.running.values():
            child.reap()
        self.running.clear()
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
    ) -> Finished:
        """Run a program to its end.

        `enter`: called in the new process before the program starts, to change its view of the file system. `capture`:
        keep its standard output (it goes to the log in any case). `seconds`: it is ended with reason `late` after that.
        A program that cannot be started gives NOT_FOUND. Raises OSError where the log cannot be written.
        """
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        step = next(self._count)
        try:
            popen = subprocess.Popen(
                list(argv),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if capture else output,
                stderr=output,
                start_new_session=True,
                # the step itself, before its program starts: an engine that is killed right now has no time left for it
                preexec_fn=partial(self._begin, step, enter),  # noqa: PLW1509 - one system call, no lock that a thread could hold
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            os.close(output)
            self._forget(step)
            return Finished(NOT_FOUND, problem=f"cannot start {argv[0]}: {getattr(error, 'strerror', error)}")
        child = self.running[key] = Child(popen)
        timer = asyncio.get_running_loop().call_later(seconds, child.end, late) if seconds is not None else None
        tee = _Tee(popen, output) if capture else None
        try:
            await _exit_of(popen)
            return Finished(child.reap(), tee.finish() if tee else b"", child.ended)
        finally:
            if timer:
                timer.cancel()
            if tee:
                tee.close()
            os.close(output)
            if popen.returncode is None:
                child.reap()
            self.running.pop(key, None)
            self._forget(step)


class _Tee:
    """Copies a step's standard output to its log and keeps the end of it."""

    def __init__(self, popen: "subprocess.Popen[bytes]", log: int) -> None:
        assert popen.stdout is not None  # noqa: S101 - opened as a pipe just now
        self._pipe = popen.stdout
        self._log = log
        self._kept = bytearray()
        os.set_blocking(self._pipe.fileno(), False)
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._read)

    def _read(self) -> bool:
        try:
            data = os.read(self._pipe.fileno(), 65536)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
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
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())
        self._pipe.close()


async def _exit_of(popen: "subprocess.Popen[bytes]") -> None:
    """Wait until the process has ended, without reaping it and without a thread or a poll."""
    loop = asyncio.get_running_loop()
    try:
        handle = os.pidfd_open(popen.pid)
    except OSError:
        # kernels before 5.3 and some sandboxes have no pidfd
        await asyncio.to_thread(os.waitid, os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        return
    done = asyncio.Event()
    loop.add_reader(handle, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
