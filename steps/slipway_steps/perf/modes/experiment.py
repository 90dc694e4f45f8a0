"""EXPERIMENT: creates an experiment, which is timed, and runs the pipeline within it."""

import asyncio
import time

from slipway_steps.perf.runner import Runner


class Experiment(Runner):
    """The experiment carries the session's name, and is removed with it."""

    async def setup(self) -> None:
        """Create the experiment that all runs belong to."""
        began = time.monotonic()
        await asyncio.to_thread(self.context.target.create_experiment, self.context.name)
        self.context.measures["create-experiment s"] = time.monotonic() - began
