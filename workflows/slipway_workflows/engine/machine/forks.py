"""Steps that are forked from a process which has imported their slow modules already; the engine's side.

The server, `fork_server.py`, starts with the first such step and ends when none has run for a while. Where it cannot be
started or is lost, steps are started as any other program.
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

IDLE = 30.0
"""Seconds without a step after which the server ends: it holds some 130 MiB, and a workflow may wait for days."""
START = 60.0
"""Seconds for a step to begin, the server's imports included; they take two on an idle machine."""
FIXED = ("PYTHON", "LD_")
"""Variables that begin so are read when Python starts: only steps that share them with the server can be forked."""


def fixed(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a fork cannot change any more."""
    return {name: value for name, value in environment.items() if name.startswith(FIXED)}


class Forked:
    """A step's process, a child of the server."""

    def __init__(self, server: "ForkServer", step: int) -> None:
        self._server = server
        self._step = step
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[int] = loop.create_future()
        """The process id, 0 where the server was lost before the program began."""
        self.exited: asyncio.Future[int] = loop.create_future()
        """As Popen.returncode; the code of SIGKILL where the server was lost."""

    @property
    def pid(self) -> int:
        """The process id, which is its process group's too."""
        return self.begun.result()

    async def ended(self) -> None:
        """Wait until the process has ended; it is not reaped."""
        await asyncio.shield(self.exited)

    def wait(self) -> int:
        """Have it reaped; the exit code. One that was killed just now is reaped when the server ends."""
        if not self.exited.done():
            return -signal.SIGKILL
        self._server.reap(self._step)
        return self.exited.result()

    def kill(self) -> None:
        """End its whole process group."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def lose(self) -> None:
        """The server is gone: nobody will tell how this ends."""
        if not self.begun.done():
            self.begun.set_result(0)
        if not self.exited.done():
            self.exited.set_result(-signal.SIGKILL)


class ForkServer:
    """One server. `environment`: the step's for which it is started."""

    def __init__(self, preload: str, environment: Mapping[str, str]) -> None:
        self._fixed = fixed(environment)
        self._steps: dict[int, Forked] = {}
        self._idle: asyncio.TimerHandle | None = None
        self.lost = False
        self.rests = False
        """Ended because nothing was to do; another one may be started."""
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
        asyncio.get_running_loop().add_reader(self._channel.fileno(), self._hear)

    @property
    def pid(self) -> int:
        """The server's process id, which is its process group's too."""
        return self._process.pid

    def suits(self, environment: Mapping[str, str]) -> bool:
        """Whether a step with this environment can be forked from this server."""
        return not self.lost and fixed(environment) == self._fixed

    async def start(
        self,
        step: int,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        output: int,
        errors: int,
        guardian: int,
    ) -> Forked | None:
        """Fork `python -m argv...`; None where the server is lost. `output`, `errors`, `guardian`: open files."""
        if self._idle:
            self._idle.cancel()
        forked = self._steps[step] = Forked(self, step)
        with tempfile.TemporaryFile("w+") as request:
            json.dump({"argv": list(argv), "directory": str(directory), "environment": dict(environment)}, request)
            request.seek(0)
            try:
                socket.send_fds(self._channel, [b"+%d" % step], [request.fileno(), output, errors, guardian])
                async with asyncio.timeout(START):
                    await asyncio.shield(forked.begun)
            except (OSError, TimeoutError):
                self.close()
            except asyncio.CancelledError:
                forked.begun.add_done_callback(lambda _: forked.kill())
                forked.exited.add_done_callback(lambda _: self.reap(step))
                raise
        return forked if forked.pid else None

    def reap(self, step: int) -> None:
        """The step's process group is no longer needed."""
        self._steps.pop(step, None)
        with contextlib.suppress(OSError):
            self._channel.send(b"-%d" % step)
        if not self._steps and not self.lost:
            self._idle = asyncio.get_running_loop().call_later(IDLE, self._rest)

    def _rest(self) -> None:
        self.rests = True
        self.close()

    def _hear(self) -> None:
        """Take every message that is there."""
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
            self._take(message)

    def _take(self, message: bytes) -> None:
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
        """End the server and what it still runs. Idempotent."""
        if self.lost:
            return
        self.lost = True
        if self._idle:
            self._idle.cancel()
        asyncio.get_running_loop().remove_reader(self._channel.fileno())
        # from here on no step can begin: its process could not tell us; one that has told, unheard, is killed
        self._channel.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            while message := self._channel.recv(64):
                self._take(message)
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
