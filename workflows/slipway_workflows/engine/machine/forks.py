"""Forks steps from a process that has imported their slow modules already. This is the engine's side of it.

The other side is the fork server, `fork_server.py`. It starts with the first such step, and ends when no such step has
run for a while. Where it cannot be started or has been lost, steps are started like any other program.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

IDLE_SECONDS = 30.0
"""Seconds without a step after which the server ends: it uses some 130 MiB, and a workflow may wait for days."""
START_SECONDS = 60.0
"""Seconds that a step may take to begin, the server's imports included; those take two on an idle machine."""
READ_AT_START = ("PYTHON", "LD_")
"""Beginnings of environment variables that Python or its loader reads only once, when it starts. A step can only be
forked from a server that was started with the same values of them."""


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a forked process cannot change any more; see READ_AT_START."""
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


class ForkedProcess:
    """The first process of a step that was forked by the server; see `step_process.Process`."""

    def __init__(self, server: "ForkServer", step: int) -> None:
        self._server = server
        self._step = step
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[int] = loop.create_future()
        """Result: the process id, or 0 where the server was lost before the program began."""
        self.exited: asyncio.Future[int] = loop.create_future()
        """Result: as Popen.returncode, and that of SIGKILL where the server was lost."""

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the process group."""
        return self.begun.result()

    async def until_ended(self) -> None:
        """Wait until the process has ended, without reaping it."""
        await asyncio.shield(self.exited)

    def reap(self) -> int:
        """Let the server reap it; returns its exit code, or the negative number of the signal that ended it.

        A process whose end the server has not reported yet was sent SIGKILL; it is reaped when the server ends.
        """
        if not self.exited.done():
            return -signal.SIGKILL
        self._server.release(self._step)
        return self.exited.result()

    def kill(self) -> None:
        """Send SIGKILL to the whole process group, if the process has begun."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def lose(self) -> None:
        """Take the process for killed, because the server is gone and nobody will report how the process ends."""
        if not self.begun.done():
            self.begun.set_result(0)
        if not self.exited.done():
            self.exited.set_result(-signal.SIGKILL)


class ForkServer:
    """The engine's handle of one fork server.

    `preload`: the module that the server imports. `environment`: that of the first step, which the server runs in.
    """

    def __init__(self, preload: str, environment: Mapping[str, str]) -> None:
        self._read_at_start = read_at_start(environment)
        self._steps: dict[int, ForkedProcess] = {}
        self._idle_timer: asyncio.TimerHandle | None = None
        self.lost = False
        """Whether it has ended, for whatever reason: no step can be forked from it any more."""
        self.idle = False
        """Whether it was ended because there was nothing to do. Only then another one is started in its place."""
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = str(Path(__file__).with_name("fork_server.py"))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", program, preload, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                # libraries for linear algebra start a thread for each core otherwise, and a fork must have one thread
                env={**environment, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel.fileno(), self._read_messages)

    @property
    def pid(self) -> int:
        """The server's process id, which is also the id of its process group."""
        return self._process.pid

    def suits(self, environment: Mapping[str, str]) -> bool:
        """Whether a step with this environment can be forked from this server."""
        return not self.lost and read_at_start(environment) == self._read_at_start

    async def start(
        self,
        step: int,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        output: int,
        errors: int,
        guardian: int,
    ) -> ForkedProcess | None:
        """Fork a step that runs `python -m argv...`; None where the server has been lost.

        `output`, `errors`: descriptors that become standard output and standard error; `guardian`: the guardian's pipe.
        """
        if self._idle_timer:
            self._idle_timer.cancel()
        forked = self._steps[step] = ForkedProcess(self, step)
        with tempfile.TemporaryFile("w+") as request:
            json.dump({"argv": list(argv), "directory": str(directory), "environment": dict(environment)}, request)
            request.seek(0)
            try:
                socket.send_fds(self._channel, [b"+%d" % step], [request.fileno(), output, errors, guardian])
                async with asyncio.timeout(START_SECONDS):
                    await asyncio.shield(forked.begun)
            except (OSError, TimeoutError):
                self.close()
            except asyncio.CancelledError:
                forked.begun.add_done_callback(lambda _: forked.kill())
                forked.exited.add_done_callback(lambda _: self.release(step))
                raise
        return forked if forked.pid else None

    def release(self, step: int) -> None:
        """Let the server reap the process of a step: nothing will be sent to its process group any more."""
        self._steps.pop(step, None)
        with contextlib.suppress(OSError):
            self._channel.send(b"-%d" % step)
        if not self._steps and not self.lost:
            self._idle_timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_idle)

    def _end_idle(self) -> None:
        self.idle = True
        self.close()

    def _read_messages(self) -> None:
        """Handle every message that has arrived; see `fork_server` for what they mean."""
        while not self.lost:
            try:
                message = self._channel.recv(64)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self.close()
                return
            self._handle(message)

    def _handle(self, message: bytes) -> None:
        step, _, number = message[1:].partition(b" ")
        forked = self._steps.get(int(step))
        if forked is None:
            return
        if message[:1] == b"=" and not forked.begun.done():
            forked.lose()
            return
        awaited = forked.begun if message[:1] == b"+" else forked.exited
        if not awaited.done():
            awaited.set_result(int(number))

    def close(self) -> None:
        """End the server and the steps that it still runs. A second call does nothing."""
        if self.lost:
            return
        self.lost = True
        if self._idle_timer:
            self._idle_timer.cancel()
        asyncio.get_running_loop().remove_reader(self._channel.fileno())
        # A process that was forked but could not report itself yet does not begin its program from here on. The reports
        # that have arrived, but were not read, are read now, so that those processes are killed.
        self._channel.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            while message := self._channel.recv(64):
                self._handle(message)
        self._channel.close()
        for forked in self._steps.values():
            if forked.begun.done() and not forked.exited.done():
                forked.kill()
            forked.lose()
        self._steps.clear()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
