"""Runs the programs of steps as processes. A step is one process group, is ended as a whole, and never outlives the
engine: the guardian ends it where the engine itself was killed.
"""

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from slipway_workflows.engine.machine.forks import ForkServer
from slipway_workflows.engine.machine.groups import Groups
from slipway_workflows.engine.machine.step_output import CapturedOutput
from slipway_workflows.engine.machine.step_process import (
    Finished,
    Process,
    SpawnedProcess,
    StepProcess,
    StepProgram,
)
from slipway_workflows.engine.machine.timings import Timings

NOT_FOUND = 64
"""Exit code of Argo's executor for a program that cannot be started."""


class Processes:
    """All steps that run now, and the guardian that ends them where the engine itself is killed.

    `timings`: is told how long each took to start. `groups`: is told the process group of each.
    """

    def __init__(self, timings: Timings, groups: Groups) -> None:
        self._timings = timings
        self._groups = groups
        self.running: dict[str, StepProcess] = {}
        """The steps that run now, by node id."""
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
        """Kill all steps that still run, and end the guardian and the fork server."""
        for process in self.running.values():
            process.reap()
        self.running.clear()
        self._groups.close()
        if self._forks:
            self._forks.close()
        if self._guardian.stdin:
            with contextlib.suppress(OSError):
                self._guardian.stdin.close()
        self._guardian.wait()

    def end_all(self, reason: str, at_once: bool = False, keep: frozenset[str] = frozenset()) -> None:
        """End every running step but those whose node ids are in `keep`. `reason`: the message that their nodes get."""
        for node_id, process in self.running.items():
            if node_id not in keep:
                process.end(reason, at_once)

    def _enter_step(self, step: int, enter: Callable[[], None] | None) -> None:
        """Called in the new process of a step: tells the guardian its process group, then changes its file system view.

        `enter` changes the view; None: the step sees the machine's files.
        """
        os.write(self._pipe, b"+%d %d\n" % (step, os.getpid()))
        if enter is not None:
            enter()

    def _forget(self, step: int) -> None:
        """Tell the guardian that it need not end this step any more."""
        with contextlib.suppress(OSError):
            os.write(self._pipe, b"-%d\n" % step)

    async def run(
        self,
        node_id: str,
        program: StepProgram,
        log: Path,
        capture: bool,
        seconds: float | None = None,
        late: str = "",
    ) -> Finished:
        """Run the program of the step `node_id` to its end.

        `capture`: return its standard output too (it goes to the log in any case). `seconds`: after this time the step
        is ended, with `late` as the reason.

        A program that cannot be started gives the exit code NOT_FOUND. Raises OSError where the log cannot be written.
        """
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        step = next(self._count)
        process = self.running[node_id] = StepProcess()
        captured = CapturedOutput(output) if capture else None
        timer, asked = None, time.time()
        try:
            streams = (captured.target if captured else output, output)
            forked = await self._fork(step, program, streams) if program.preload and program.enter is None else None
            try:
                first = forked or self._spawn(step, program, streams)
                process.begin(first)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                return Finished(
                    NOT_FOUND, problem=f"cannot start {program.argv[0]}: {getattr(error, 'strerror', error)}"
                )
            self._timings.started(node_id, asked)
            self._groups.begin(node_id, first.pid)
            if captured:
                captured.begin()
            if seconds is not None:
                timer = asyncio.get_running_loop().call_later(seconds, process.end, late)
            await process.until_ended()
            self._groups.ended(node_id)
            return Finished(process.reap(), captured.finish() if captured else b"", process.end_reason)
        finally:
            if timer:
                timer.cancel()
            if captured:
                captured.close()
            os.close(output)
            process.reap()
            self.running.pop(node_id, None)
            self._groups.end(node_id)
            self._forget(step)

    def _spawn(self, step: int, program: StepProgram, streams: tuple[int, int]) -> Process:
        output, errors = streams
        return SpawnedProcess(
            subprocess.Popen(
                list(program.argv),
                cwd=program.directory,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                # the new process tells the guardian itself: the engine may be killed before it could do so
                preexec_fn=partial(self._enter_step, step, program.enter),  # noqa: PLW1509 - one system call, no lock that a thread could hold
            )
        )

    async def _fork(self, step: int, program: StepProgram, streams: tuple[int, int]) -> Process | None:
        """Fork the step from the fork server, which is started if none runs; None where that is not possible."""
        environment = program.environment
        if self._forks is None or self._forks.idle:
            try:
                self._forks = ForkServer(program.preload, environment)
            except OSError:
                return None
            os.write(self._pipe, b"+server %d\n" % self._forks.pid)
        if not self._forks.suits(environment):
            return None
        return await self._forks.start(step, program.argv[2:], program.directory, environment, *streams, self._pipe)
