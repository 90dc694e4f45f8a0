"""Runs the two sides of a comparison in turn: pairs of runs in random order, one run at a time."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from slipway_steps.domain.comparison import Side
from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_comparison import Pair
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.perf_ports import Target


@dataclass(frozen=True)
class PairRules:
    """How pairs are run.

    warm_up: runs of each side before the first pair. deadline: Unix seconds at which the last run is ended. yardstick:
    measures a fixed piece of work, in seconds. on_run: is told of each run.
    """

    warm_up: int
    seed: int
    deadline: float
    yardstick: Callable[[], float]
    on_run: Callable[[Side, RunSample], None]


def run_pairs(targets: Mapping[Side, Target], rules: PairRules) -> Iterator[Pair]:
    """Run pair after pair, until the caller takes no more or the deadline is over.

    A pair that the deadline cut short is not given. Which side of a pair is first is drawn at random, so that what the
    first run does to the second one hits both sides alike. Targets have to be prepared, and are not cleaned up.

    Raises Broken where a target cannot be asked; on_run is told of that run before.
    """
    for _ in range(rules.warm_up):
        for side in Side:
            if _run(side, targets[side], rules, warm_up=True) is None:
                return
    order = random.Random(rules.seed)  # noqa: S311 - an order of runs is no secret
    number = 0
    while True:
        number += 1
        first = order.choice([Side.BASE, Side.HEAD])
        second = Side.HEAD if first is Side.BASE else Side.BASE
        runs: dict[Side, RunSample] = {}
        for side in (first, second):
            sample = _run(side, targets[side], rules)
            if sample is None:
                return
            runs[side] = sample
        yield Pair(number=number, first=first, base=runs[Side.BASE], head=runs[Side.HEAD])


def _run(side: Side, target: Target, rules: PairRules, *, warm_up: bool = False) -> RunSample | None:
    """Run one side once. None where the deadline came first: the run is ended then. Raises Broken, see `run_pairs`."""
    if time.time() >= rules.deadline:
        return None
    started = time.time()
    told: dict[str, object] = {"warm_up": warm_up}
    run = ""
    try:
        told["yardstick"] = rules.yardstick()
        run = target.submit({})
        in_time, sample = _ended(target, run, rules.deadline)
    except Broken as error:
        broken = RunSample(run=run, started=started, outcome=RunOutcome.BROKEN, message=str(error))
        rules.on_run(side, broken.model_copy(update=told))
        raise
    sample = sample.model_copy(update=told)
    rules.on_run(side, sample)
    if sample.outcome is RunOutcome.BROKEN:
        raise Broken(sample.message)
    return sample if in_time else None


def _ended(target: Target, run: str, deadline: float) -> tuple[bool, RunSample]:
    """Wait for a run and read it; returns whether it ended in time."""
    in_time = False
    try:
        in_time = target.wait(run, deadline)
    finally:
        if not in_time:
            target.stop(run)
    return in_time, target.read(run)
