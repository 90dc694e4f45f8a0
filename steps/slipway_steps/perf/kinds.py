"""The kinds of performance tests: how many runs are started, and how many at a time.

smoke and load start the number of runs that the scenario says. stress doubles the concurrency and names the knee. soak
goes on until the session's time is over, and looks for growing memory.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from slipway_steps.domain.perf_measures import KNEE, THROUGHPUT
from slipway_steps.domain.perf_scenario import LEAST_RUNS, MOST_AT_ONCE, MOST_RUNS
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.plural import so_many
from slipway_steps.perf.runner import Runner

STRESS_ERRORS = 0.05
"""Share of failed runs above which a concurrency is too much."""
STRESS_GROWTH = 1.1
"""By how much the throughput has to grow when the concurrency doubles, or it counts as having stopped to grow: runs
that need one core each give 2 as long as there are free cores, and 1 afterwards; noise is some 5 %."""
STRESS_ROUNDS = 2
"""Runs of each worker at one concurrency; more where these were too few runs to tell a time from."""
SOAK_LEAST = 10
"""Runs that a slope of memory needs at least."""


def schedule_of(kind: str) -> Callable[[Runner], Awaitable[None]]:
    """What starts the runs of a scenario of that kind."""
    return {"stress": stress, "soak": soak}.get(kind, fixed)


async def fixed(runner: Runner) -> None:
    """The warm-up runs in turn, then `numTimes` runs (None: until the deadline), `concurrency` at a time."""
    context, scenario = runner.context, runner.context.scenario
    await warm_up(runner)
    started = len(await batch(runner, scenario.most_runs, scenario.concurrency))
    if scenario.num_times is None and started == scenario.most_runs and not context.over:
        context.capped(f"{started:,} runs")


async def warm_up(runner: Runner) -> None:
    """The runs that fill caches and are not counted."""
    for _ in range(runner.context.scenario.warm_up):
        if not runner.context.over:
            await runner.one(warm_up=True)


async def batch(runner: Runner, most: int | None, concurrency: int, *, with_yardstick: bool = True) -> list[RunSample]:
    """Start so many runs (None: until the deadline), so many at a time; returns them once all have ended."""
    left = most
    done: list[RunSample] = []

    async def work() -> None:
        nonlocal left
        while not runner.context.over and (left is None or left > 0):
            left = left and left - 1
            done.append(await runner.one(concurrency, with_yardstick=with_yardstick))

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return done


async def stress(runner: Runner) -> None:
    """Double the concurrency until more than 5 % of the runs fail or the throughput stops growing.

    The knee is the last concurrency at which the throughput still grew and runs did not fail; there is none where the
    test ended for another reason. No more than `numTimes` runs are started in all; a concurrency for which they are too
    few is not begun.
    """
    context = runner.context
    await warm_up(runner)
    most = MOST_RUNS if context.scenario.allow_more else MOST_AT_ONCE
    concurrency, last, best = context.scenario.concurrency, 0, 0.0
    left = context.scenario.most_runs
    found, ended = False, f"at the cap of {so_many(most, 'run')} at a time"
    while concurrency <= most:
        number = concurrency * max(STRESS_ROUNDS, math.ceil(LEAST_RUNS / concurrency))
        if left is not None and number > left:
            ended = f"{concurrency} at a time takes {number} runs, and {left} of {context.scenario.most_runs} are left"
            break
        left = left and left - number
        began = time.monotonic()
        # without the yardstick, which would be a pause of each worker and so seem to raise the throughput further on
        samples = await batch(runner, number, concurrency, with_yardstick=False)
        seconds = time.monotonic() - began
        if context.over:
            ended = "at the end of runTime"
            break
        if any(sample.outcome is RunOutcome.BROKEN for sample in samples):
            ended = f"the target could not be asked at {concurrency} at a time"
            break
        failed = sum(sample.outcome is not RunOutcome.SUCCEEDED for sample in samples)
        throughput = (len(samples) - failed) / seconds
        context.measures[f"{THROUGHPUT}{concurrency}"] = throughput * 60
        if failed > STRESS_ERRORS * len(samples):
            found, ended = True, f"{failed} of {so_many(len(samples), 'run')} failed at {concurrency} at a time"
            break
        if throughput < STRESS_GROWTH * best:
            found, ended = True, f"the throughput stopped growing at {concurrency} at a time"
            break
        last, best, concurrency = concurrency, throughput, concurrency * 2
    if found:
        context.measures[KNEE] = last
    context.notes.append(f"stress ended: {ended}; {_knee(last, best, found=found)}")


def _knee(last: int, best: float, *, found: bool) -> str:
    """What a stress test found. last: the last concurrency that was not too much, 0: none."""
    throughput = f"{best * 60:.1f} runs/min"
    if found and not last:
        return "knee: none, the first concurrency was too much"
    if found:
        return f"knee: {so_many(last, 'run')} at a time, {throughput}"
    return f"no knee up to {last} at a time, {throughput}" if last else "no concurrency was finished"


async def soak(runner: Runner) -> None:
    """Run until the deadline (or `numTimes`), then work out by how much the memory grew from run to run."""
    await fixed(runner)
    context = runner.context
    memory = [
        sample.metrics["memory"]
        for sample in sorted(context.runs, key=lambda sample: sample.started)
        if not sample.warm_up and "memory" in sample.metrics
    ]
    if len(memory) < SOAK_LEAST:
        context.notes.append(f"soak: the memory of {so_many(len(memory), 'run')} is known; a slope needs {SOAK_LEAST}")
        return
    slope, low, high = memory_slope(memory)
    context.measures |= {"memory slope MiB/run": slope, "memory slope low": low, "memory slope high": high}
    grows = "grows" if low > 0 else "does not grow"
    context.notes.append(f"soak: memory {grows}: {slope:+.2f} MiB a run [{low:+.2f}, {high:+.2f}]")


def memory_slope(memory: list[float]) -> tuple[float, float, float]:
    """MiB by which memory grows from run to run, by Theil-Sen, with its 95 % interval. memory: bytes of each run."""
    from scipy.stats import theilslopes

    found = theilslopes([value / 2**20 for value in memory])
    return float(found.slope), float(found.low_slope), float(found.high_slope)
