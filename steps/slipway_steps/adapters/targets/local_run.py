"""One run of a pipeline on this machine: `slipway run` as a process, with a home of its own."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from slipway_steps.adapters.local.limits import Limits
from slipway_steps.adapters.local.process_tree import RUN, PeakMemory, end_left
from slipway_steps.adapters.targets.local_disk import DiskWatch
from slipway_steps.domain.errors import PlatformError

PROGRAM = (sys.executable, "-P", "-m", "slipway_workflows.cli")
"""The program `slipway` by the interpreter of this process, which need not be found by PATH."""
STDOUT, STDERR = "workflow.json", "stderr.txt"


class LocalRun:
    """A run that has been started.

    home: its directory of state. started: its submission in Unix seconds. The fields below `ended` have their values
    once that is set: `seconds` until the end by this program's clock, the exit code (negative: a signal), what the
    kernel counted for the process and all that was waited for (`usage`), and the CPU seconds of all processes, also of
    those that nobody has waited for. `disk_full`: that the disk was full meanwhile; "" where it was not seen to be.
    `disk_nearly_full`: whether it was seen to be full or nearly full.
    """

    def __init__(
        self,
        name: str,
        home: Path,
        argv: Sequence[str],
        environment: Mapping[str, str],
        limits: Limits | None,
        memory: PeakMemory,
        disk: DiskWatch,
    ) -> None:
        """Start it. memory, disk: look at it while it runs. Raises PlatformError where that fails."""
        self.name, self.home, self.limits = name, home, limits
        self.ended = threading.Event()
        self.seconds, self.cpu, self.code, self.peak = 0.0, 0.0, 0, 0
        self.usage: resource.struct_rusage | None = None
        self.ended_by_us = False
        self.disk_full, self.disk_nearly_full = "", False
        self._memory, self._disk = memory, disk
        self._reaping = threading.Lock()
        self._reaped = False
        self.started, self._clock = time.time(), time.monotonic()
        try:
            with (home / STDOUT).open("wb") as stdout, (home / STDERR).open("wb") as stderr:
                self._process = subprocess.Popen(
                    [*PROGRAM, "--home", str(home), "run", *argv, "--output", "json"],
                    env={**environment, RUN: str(home)},
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                    preexec_fn=limits.enter if limits else None,  # noqa: PLW1509 - the cgroup has to be entered before exec
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise PlatformError(f"cannot start {name}: {error}", "is there memory and disk left?") from error
        memory.watch(self._process.pid)
        if limits:
            limits.attach(self._process.pid)
        threading.Thread(target=self._wait, name=name, daemon=True).start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program; nothing where it has ended."""
        with self._reaping, suppress(ProcessLookupError):
            if not self._reaped:
                os.kill(self._process.pid, number)

    def stderr(self) -> str:
        """The end of what the program wrote to standard error."""
        try:
            return (self.home / STDERR).read_text(errors="replace")[-4000:].strip()
        except OSError:
            return ""

    def _wait(self) -> None:
        pid = self._process.pid
        # not reaped at once: until then nothing else has its number, and signals can be sent to it
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.seconds = time.monotonic() - self._clock
        self._disk.look()
        self.disk_full = self._disk.full_since(self.started)
        self.disk_nearly_full = self._disk.nearly_full_since(self.started)
        if self.limits:
            self.limits.detach()
        counted = self.limits.usage() if self.limits and self.limits.name == "cgroup" else None
        # where the engine was killed, its guardian ends what it has started
        left = end_left(str(self.home)) if ended and ended.si_code == os.CLD_EXITED else 0.0
        self.peak = self._memory.take(pid)
        with self._reaping:
            _, status, self.usage = os.wait4(pid, 0)
            self._reaped = True
        self.cpu = counted.cpu if counted else self.usage.ru_utime + self.usage.ru_stime + left
        self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
        self.ended.set()
