"""RANDOM_GETS: requests that only read, at a fixed rate, each of a kind that is chosen at random.

The loop is open: a request is sent when it is due, whether or not the ones before it have been answered, and its
latency counts from when it was due. A closed loop sends nothing while the server stalls, and so hides the stall.
"""

import asyncio
import random
import time
from typing import ClassVar

from slipway_steps.domain.errors import BadInput, SlipwayError
from slipway_steps.domain.perf_session import ApiRequest
from slipway_steps.domain.statistics import percentile
from slipway_steps.perf.runner import Runner


class RandomGets(Runner):
    """Sends `numTimes` requests, or until the session's deadline. One of each kind and `warmUp` more are sent first,
    and not counted.
    """

    needs_pipeline: ClassVar[bool] = False

    async def execute(self) -> None:
        """Send the requests, each when it is due."""
        context, scenario = self.context, self.context.scenario
        operations = sorted(await asyncio.to_thread(lambda: list(context.target.operations)))
        if not operations:
            raise BadInput(f"target {context.target.name} has nothing to read", "is there a registry or a run yet?")
        chance = random.Random(scenario.seed)  # noqa: S311 - a choice that can be repeated, no secret
        # each kind, as the first one of it also counts the start of the client, such as the import of MLflow's
        for operation in [*operations, *(chance.choice(operations) for _ in range(scenario.warm_up))]:
            if not context.over:
                await self._send(operation, time.time())
        begin, number = time.time(), 0
        async with asyncio.TaskGroup() as group:
            while not context.over and (scenario.num_times is None or number < scenario.num_times):
                due = begin + number / scenario.requests_per_second
                if due >= context.deadline:
                    break
                await context.pause(due - time.time())
                if not context.stop.is_set():
                    group.create_task(self._counted(chance.choice(operations), due))
                number += 1

    async def _counted(self, operation: str, due: float) -> None:
        self.context.requests.append(await self._send(operation, due))

    async def _send(self, operation: str, due: float) -> ApiRequest:
        try:
            status = await asyncio.to_thread(self.context.target.get, operation)
        except SlipwayError:
            status = 0
        return ApiRequest(operation=operation, due=due, seconds=time.time() - due, status=status)

    async def collect(self) -> None:
        """Percentiles in ms, the rate that was reached, the share of errors, and the pool of connections."""
        context, found = self.context, sorted(self.context.requests, key=lambda one: one.due)
        context.requests = found
        if not found:
            return
        seconds = [one.seconds for one in found if not one.failed]
        for percent in (50, 95, 99) if seconds else ():
            context.measures[f"p{percent} ms"] = percentile(seconds, percent) * 1000
        took = max(one.due + one.seconds for one in found) - found[0].due
        context.measures["requests/s"] = len(found) / max(took, 1 / context.scenario.requests_per_second)
        context.measures["error rate"] = sum(one.failed for one in found) / len(found)
        pool = await asyncio.to_thread(context.target.pool)
        context.measures |= {f"pool {name}": value for name, value in pool.items()}
