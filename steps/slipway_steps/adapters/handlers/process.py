"""One process that runs an inference handler, or several that share its model: started, asked, limited, ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from slipway_steps.adapters.handlers.answer import Death
from slipway_steps.adapters.handlers.channel import Channel, Closed, TimedOut
from slipway_steps.adapters.handlers.printed import keep_end, last_line
from slipway_steps.adapters.handlers.programs.handler_trace import ASKED
from slipway_steps.adapters.handlers.scratch import Scratch
from slipway_steps.adapters.local.limits import Limits, make_limits
from slipway_steps.domain.errors import BadInput, SlipwayError

PROGRAM = Path(__file__).parent / "programs" / "handler_child.py"
START_TIMEOUT = 60.0
"""Seconds until Python and the toolkit are imported; 0.3 s are usual, and a cold disk takes ten times as long."""
INSTALL = "install sagemaker-inference and multi-model-server there, or name another Python by --python"
_numbers = count(1)


@dataclass(frozen=True)
class WorkerLimits:
    """Limits of a handler's process: bytes of memory, seconds for one request, and the time (time.monotonic) at which
    the whole test ends.
    """

    memory_bytes: int
    request_timeout: float
    until: float
    watchdog: bool = False

    def left(self) -> float:
        """Seconds that are left for the whole test."""
        return self.until - time.monotonic()


class OutOfTime(SlipwayError):
    """The time for the whole test is over. That is no fault of the handler. `printed` is the end of what it printed."""

    def __init__(self, printed: str = "") -> None:
        super().__init__("the time for the whole test is over", "give it more by --timeout")
        self.printed = printed


class Ended(Exception):
    """The process ended, or was ended, before it answered."""

    def __init__(self, death: Death) -> None:
        super().__init__(death.detail)
        self.death = death


class HandlerProcess:
    """A process group that runs the handler of one package, with `workers` pairs of pipes."""

    def __init__(
        self,
        package: Path,
        python: str,
        scratch: Scratch,
        limits: WorkerLimits,
        workers: int = 1,
        libraries: Path | None = None,
    ) -> None:
        self.limits = limits
        number = next(_numbers)
        home = scratch.path / f"worker-{number}"
        for name in ("home", "tmp"):
            (home / name).mkdir(parents=True)
        self.label = f"slipway-handler-{os.getpid()}-{number}"
        self.control: Limits = make_limits(
            self.label, limits.memory_bytes, (os.cpu_count() or 1) * 1000, limits.watchdog
        )
        for path in self.control.places:
            scratch.watch_control(path)
        self.printed: deque[bytes] = deque()
        self.channels = [Channel() for _ in range(workers)]
        try:
            self.process = self._start(package, python or sys.executable, home, libraries)
        except OSError as error:
            self._release()
            raise BadInput(f"{python or sys.executable} cannot be started: {error.strerror}", INSTALL) from error
        self.scratch = scratch
        scratch.watch(self.process.pid)
        self.pidfd = os.pidfd_open(self.process.pid)
        for channel in self.channels:
            channel.watch(self.pidfd)
        self.control.attach(self.process.pid)
        self.reader = keep_end(self.process.stdout, self.printed)
        try:
            self._greeted(python or sys.executable)
        except BaseException:
            self.close()
            raise

    def _greeted(self, python: str) -> None:
        try:
            list(self.ask_lines(0, {}, START_TIMEOUT, greet=True))
        except Ended as ended:
            death = ended.death
            if death.reason == "memory":
                raise BadInput(
                    f"the inference toolkit does not start: {death.detail}", "give it more by --memory"
                ) from ended
            raise BadInput(
                f"the handler does not start under {python}: {last_line(death.last) or death.detail}", INSTALL
            ) from ended

    def _start(self, package: Path, python: str, home: Path, libraries: Path | None) -> "subprocess.Popen[bytes]":
        enter = self.control.enter
        ends = [number for channel in self.channels for number in channel.child_ends]
        try:
            return subprocess.Popen(
                [python, str(PROGRAM), str(package), *map(str, ends)],
                cwd=package,  # as the server does
                env=environment(package, home, libraries),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=ends,
                preexec_fn=enter,  # noqa: PLW1509 - the cgroup has to be entered before exec
            )
        finally:
            for channel in self.channels:
                channel.close_child_ends()

    def ask_lines(
        self, worker: int, request: dict[str, Any], timeout: float, *, greet: bool = False, many: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Send a request and give each line of the answer, the last of which has the key `done`.

        timeout: seconds for each line. many: whether there are so many lines that they are better read together. Raises
        Ended where the process ends or is ended before the last line, OutOfTime where the whole test has no time left,
        and BadInput where the body of a request cannot be read.
        """
        channel = self.channels[worker]
        try:
            if not greet:
                channel.send(json.dumps(request).encode() + b"\n")
            while True:
                line = json.loads(channel.line(min(timeout, max(0.0, self.limits.left())), many=many))
                last = line.get("done", False)
                if "unreadable" in line:
                    raise BadInput(f"a sample cannot be read: {line['unreadable']}", "put it back")
                yield line
                if last:
                    return
        except TimedOut:
            self._trace()
            self.kill()
            if self.limits.left() <= 0:
                raise OutOfTime(self.last()) from None
            raise Ended(Death("timeout", f"no answer within {timeout:g} s", self.last())) from None
        except (Closed, ValueError) as error:
            self.kill(0.2)
            code = self.process.returncode
            if self.control.oom_killed():
                detail = f"killed above {self.limits.memory_bytes / 2**20:.0f} MiB"
                raise Ended(Death("memory", detail, self.last())) from error
            raise Ended(Death("exit", how_it_ended(code), self.last())) from error

    def _trace(self) -> None:
        """Let the process write where it stands."""
        before = len(self.printed)
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, ASKED)
        until = time.monotonic() + 0.5
        while len(self.printed) == before and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.02)

    def last(self) -> str:
        """The end of what the handler printed."""
        self.reader.join(0.5)
        return b"".join(list(self.printed)).decode("utf-8", "replace")[-4000:]

    def kill(self, patience: float = 0.0) -> None:
        """End the process and everything that it started. Doing it twice changes nothing.

        patience: seconds in which a process that is about to end may do so with its own status.
        """
        if self.process.returncode is not None:
            return
        with suppress(ChildProcessError):
            until = time.monotonic() + patience
            while time.monotonic() < until:
                if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                    break
                time.sleep(0.005)
        self.control.detach()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.scratch.forget(self.process.pid)

    def close(self) -> None:
        """End the process, and remove what was made for it. Doing it twice changes nothing."""
        if self.pidfd < 0:
            return
        self.kill()
        self._release()  # with the control group ends what holds the output open
        self.reader.join(1.0)
        os.close(self.pidfd)
        self.pidfd = -1

    def _release(self) -> None:
        for channel in self.channels:
            channel.close()
        self.control.close()


def environment(package: Path, home: Path, libraries: Path | None = None) -> dict[str, str]:
    """What a handler finds in its environment. The toolkit looks for the module `inference` on PYTHONPATH, which only
    the interpreter's start reads.
    """
    path = [str(one) for one in (package / "code", package, libraries) if one]
    return {**plain_environment(home), "PYTHONPATH": os.pathsep.join(path)}


def plain_environment(home: Path) -> dict[str, str]:
    """What a process of the user's code finds in its environment: nothing of ours, no secret, its own directories."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {
        **kept,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "TEMP": str(home / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        # as the server's own worker does; with more threads a process cannot be forked
        "OMP_NUM_THREADS": "1",
        "MXNET_USE_OPERATOR_TUNING": "0",
        "MMS_DECODE_INPUT_REQUEST": "false",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def how_it_ended(code: int | None) -> str:
    """The end of a process by its exit code, negative for a signal."""
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
