"""What a mode of performance tests is: it sets up, starts runs, collects what was measured, and cleans up, always.

A mode is a subclass of `Runner`. Other packages bring modes by the entry point group `slipway.perf.modes`: the name of
the mode -> the class.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import ApiRequest, Firing, RunOutcome, RunSample
from slipway_steps.perf.yardstick import yardstick
from slipway_steps.perf_ports import Target

SLICE = 0.5
"""Seconds after which a wait for a run looks whether the session was stopped."""


@dataclass
class PerfContext:
    """One session while it runs: what its mode works with, and what has been measured so far.

    deadline: Unix seconds at which unfinished runs are ended. directory: the session's. schedule: starts the runs as
    the scenario's kind wants. add: called with each run that has ended. stop: set when the session has to end early.
    """

    name: str
    scenario: PerfScenario
    target: Target
    pipeline: Path | None
    directory: Path
    deadline: float
    schedule: "Callable[[Runner], Awaitable[None]]"
    add: Callable[[RunSample], None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    runs: list[RunSample] = field(default_factory=list)
    requests: list[ApiRequest] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing more is started: the session was stopped, or its time has passed."""
        return self.stop.is_set() or time.time() >= self.deadline

    def capped(self, what: str) -> None:
        """Note that a session ends at a cap, although nobody said how much it should start. what: how much that was."""
        self.notes.append(f"ended after {what}, before runTime was over: allowMore: true lifts this cap")

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until the session is stopped, or until its deadline."""
        seconds = min(seconds, self.deadline - time.time())
        if seconds > 0:
            try:
                await asyncio.wait_for(self.stop.wait(), seconds)
            except TimeoutError:
                return


class Runner:
    """A mode. A subclass changes what it needs; blocking calls of the target go to threads (`asyncio.to_thread`)."""

    needs_pipeline: ClassVar[bool] = True

    def __init__(self, context: PerfContext) -> None:
        self.context = context

    async def run(self) -> None:
        """The whole of a mode. What has been measured before an error is kept: it lies in the context."""
        try:
            await self.setup()
            await self.execute()
            await self.collect()
        finally:
            await self.cleanup()

    async def setup(self) -> None:
        """Make what the runs need. Here: nothing."""

    async def execute(self) -> None:
        """Start the runs. Here: as the scenario's kind wants."""
        await self.context.schedule(self)

    async def collect(self) -> None:
        """Work out what no single run tells, such as a throughput, and write it to `context.measures`."""

    async def cleanup(self) -> None:
        """Remove what `setup` made. Here: nothing, as the session removes all that carries its name."""

    def parameters(self) -> Mapping[str, str]:
        """The parameters of the next run, beside those of the scenario."""
        return {}

    async def one(self, concurrency: int = 1, *, warm_up: bool = False, with_yardstick: bool = True) -> RunSample:
        """Start a run, wait for it, end it at the deadline, and add what was measured to the session.

        concurrency: how many runs there are at a time. with_yardstick: whether the yardstick is measured first.

        A run that the target could not be asked for, or about, is broken. Raises BadInput and WorkflowInvalid of the
        target.
        """
        context, target = self.context, self.context.target
        run, mark, started = "", None, time.time()
        try:
            if with_yardstick:
                mark = await asyncio.to_thread(yardstick, context.directory)
            run = await asyncio.to_thread(target.submit, self.parameters())
            sample = await self.until_ended(run)
        except Broken as error:
            sample = RunSample(run=run, started=started, outcome=RunOutcome.BROKEN, message=str(error))
        sample = self.measured(
            sample.model_copy(update={"warm_up": warm_up, "concurrency": concurrency, "yardstick": mark})
        )
        self.keep(sample)
        return sample

    async def until_ended(self, run: str) -> RunSample:
        """Wait for a run, end it at the deadline or when the session is stopped, and read it."""
        context, target = self.context, self.context.target
        try:
            while not await asyncio.to_thread(target.wait, run, min(context.deadline, time.time() + SLICE)):
                if context.over:
                    break
        finally:
            # also where a task beside has failed: no run is left behind
            await asyncio.shield(asyncio.to_thread(target.stop, run))
        return await asyncio.to_thread(target.read, run)

    def measured(self, sample: RunSample) -> RunSample:
        """A run's sample with what the mode knows beside, such as MiB/s, in its `measures`."""
        return sample

    def keep(self, sample: RunSample) -> None:
        """Add a run to the session."""
        self.context.runs.append(sample)
        self.context.add(sample)
