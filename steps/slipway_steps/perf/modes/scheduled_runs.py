"""SCHEDULED_RUNS: a schedule of the target starts runs; how late they start, and what is missed, is measured."""

import asyncio
from contextlib import suppress
from statistics import median

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.perf_session import Firing
from slipway_steps.perf.runner import Runner

LOOK = 0.5
"""Seconds between two looks at what the schedule has started."""


class ScheduledRuns(Runner):
    """Ends after `numTimes` firings, or at the session's deadline. Every firing counts: there is no warm-up."""

    async def execute(self) -> None:
        """Start the schedule, and follow each run that it starts."""
        context, target = self.context, self.context.target
        every, most = context.scenario.interval_seconds, context.scenario.most_runs
        schedule = await asyncio.to_thread(target.schedule, every, self.parameters())
        followed: set[str] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                over = context.over
                firings = list(await asyncio.to_thread(target.firings, schedule))
                context.firings = firings[:most]
                for firing in context.firings:
                    if firing.run and firing.run not in followed:
                        followed.add(firing.run)
                        group.create_task(self._follow(firing))
                if over or (most is not None and len(firings) >= most):
                    if not over and context.scenario.num_times is None:
                        context.capped(f"{most:,} firings")
                    break
                await context.pause(min(LOOK, every / 4))
            with suppress(SlipwayError):
                # the schedule itself; it goes with the session where the target does not know it as a run
                await asyncio.to_thread(target.stop, schedule)
        for firing in firings[len(context.firings) :]:
            if firing.run:
                await asyncio.to_thread(target.stop, firing.run)

    async def _follow(self, firing: Firing) -> None:
        self.keep(await self.until_ended(firing.run))

    async def collect(self) -> None:
        """How late the runs started, in seconds, how many firings were missed, and how many runs overlapped."""
        firings = self.context.firings
        late = [firing.lateness for firing in firings if firing.lateness is not None]
        if late:
            self.context.measures |= {"lateness median s": median(late), "lateness max s": max(late)}
        self.context.measures |= {
            "firings missed": sum(firing.started is None for firing in firings),
            "firings overlapping": sum(firing.overlapping for firing in firings),
        }
