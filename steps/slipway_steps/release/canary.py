"""The canary gate: what users' requests showed of both versions while the canary had its share of them."""

import time

from pydantic import Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import AppError
from slipway_steps.domain.traffic import Counts, Window, total_of
from slipway_steps.domain.traffic_comparison import Tolerance, compare
from slipway_steps.domain.verdict import Check, Gate, Verdict, judge
from slipway_steps.ports import World
from slipway_steps.release.gate_run import GateOutputs, StagingParams, UnderTest, keep, under_test
from slipway_steps.release.traffic_share import take_back

PRODUCTION, CANARY = Environment.PRODUCTION, Environment.CANARY
POLL = 2.0
"""Seconds between two looks at the counts, where real users send the requests."""
ROUND = 10.0
"""Seconds that one round of played users takes at most: after each it is seen whether there are requests enough."""

Outputs = GateOutputs


class Params(StagingParams):
    """The share that is judged, and what is accepted."""

    source_environment: Environment = Field(CANARY, description="The environment that the gate judges.")
    weight: int = Field(description="Percent of production's requests that the canary gets now.", ge=1, le=100)
    steps: int = Field(1, description="Number of shares in the whole rollout.", ge=1)
    requests: int = Field(
        100, description="Number of requests that each of the two versions has to have answered.", ge=1
    )
    max_wait: float = Field(
        1800, gt=0, allow_inf_nan=False, description="Seconds to wait for so many requests; then: inconclusive."
    )
    error_max_percent: float = Field(
        5, gt=0, le=100, allow_inf_nan=False, description="A larger share of answers with 5xx is rejected, in %."
    )
    users: int = Field(
        0,
        ge=0,
        description="Number of users that the gate plays, each with one request at a time; 0: real ones send them.",
    )


def run(params: Params, world: World) -> GateOutputs:
    """Wait for requests, compare both versions, and take the share back at once unless the verdict is `pass`."""
    started = time.time()
    with under_test(params, world) as found:
        windows = _before(params, world)
        window = _watch(params, world, found)
        if window is None:
            checks = [_unseen(params)]
        else:
            windows = [*windows, window]
            tolerance = Tolerance(requests_min=params.requests, error_max_percent=params.error_max_percent)
            checks = compare(windows, params.steps, tolerance)
    if judge(checks) is not Verdict.PASS:
        take_back(world, PRODUCTION, world.registry.record(PRODUCTION))
    kept = {"windows": [one.model_dump(mode="json") for one in windows]}
    return keep(Gate.CANARY, params.release, found.candidate, checks, started, kept, world)


def _before(params: Params, world: World) -> list[Window]:
    """What the earlier shares of this release showed."""
    reports = [one for one in world.registry.reports(params.release) if one.gate is Gate.CANARY]
    found = [Window.model_validate(one) for one in reports[-1].series["windows"]] if reports else []
    return [one for one in found if one.weight < params.weight]


def _counts(world: World) -> tuple[Counts, Counts] | None:
    """What canary and production have answered; None where one of them does not tell."""
    try:
        new, old = (world.traffic.counts(environment) for environment in (CANARY, PRODUCTION))
    except AppError:
        return None
    return (total_of(new), total_of(old)) if new and old else None


def _watch(params: Params, world: World, found: UnderTest) -> Window | None:
    """The requests of this share. What was counted before a pod was replaced is left out; None where there was no time
    in which both versions told.
    """
    before, window, rounds = _counts(world), None, 0
    deadline = time.monotonic() + params.max_wait
    while time.monotonic() < deadline:
        left = deadline - time.monotonic()
        if params.users:
            _play(params, world, found, rounds, min(ROUND, left))
        else:
            time.sleep(min(POLL, left))
        rounds += 1
        now = _counts(world)
        if before is None or now is None:
            before = now or before
            continue
        new, old = now[0].since(before[0]), now[1].since(before[1])
        if new is None or old is None:
            print("a pod was replaced: counting begins anew", flush=True)
            before, window = now, None
            continue
        window = Window(weight=params.weight, new=new, old=old)
        if min(new.requests, old.requests if params.weight < 100 else new.requests) >= params.requests:
            break
    return window


def _play(params: Params, world: World, found: UnderTest, rounds: int, seconds: float) -> None:
    """Send requests as users would, with one sample after the other: so many that both sides get what is wanted."""
    image = found.samples[rounds % len(found.samples)][1]
    rarer = min(params.weight, 100 - params.weight) or 100
    number = max(params.users, round(params.requests * 100 / rarer / len(found.samples)))
    world.load_generator.send(world.traffic.url(), image, number, params.users, seconds)


def _unseen(params: Params) -> Check:
    return Check(
        code="requests",
        verdict=Verdict.INCONCLUSIVE,
        message=f"no requests could be counted for {params.max_wait:.0f} s: an app did not tell, or was replaced",
        measured=0,
        threshold=params.requests,
    )
