"""The load gate: latency and success under concurrent requests, and what the load did to the pods."""

import time

from pydantic import Field

from slipway_steps.domain.answer import RequestResult
from slipway_steps.domain.pods import Observation
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Check, Gate, Verdict
from slipway_steps.ports import World
from slipway_steps.release.gate_run import GateOutputs, StagingParams, conclude, under_test, verdict
from slipway_steps.release.pod_checks import MIB, memory_series, pod_checks
from slipway_steps.release.prediction_checks import prediction_fault

DEADLINE = 120.0
"""Seconds for all requests. With the largest latency that passes, 100 requests of 10 users take twenty."""

Outputs = GateOutputs


class Params(StagingParams):
    """The load, and the thresholds for it."""

    load_requests: int = Field(100, description="Number of requests in total.", ge=1)
    load_users: int = Field(10, description="Number of requests at the same time.", ge=1)
    p95_max_ms: float = Field(
        2000,
        gt=0,
        allow_inf_nan=False,
        description="Milliseconds below which the 95th percentile of the latency has to be.",
    )
    success_min_percent: float = Field(
        95, ge=0, lt=100, allow_inf_nan=False, description="More than this share of the requests has to succeed, in %."
    )


def run(params: Params, world: World) -> GateOutputs:
    """Send the requests, judge every single result, and then look at the pods again."""
    started = time.time()
    with under_test(params, world) as found:
        image = found.samples[0][1]
        world.platform.measure(params.source_environment)  # usage is counted from here
        results = world.load_generator.send(found.app.url, image, params.load_requests, params.load_users, DEADLINE)
        after = world.platform.measure(params.source_environment)
        checks = [*request_checks(params, results, found.labels), *pod_checks(after), *peak_checks(after)]
        series = {
            "latencies_ms": [round(result.milliseconds, 2) for result in results],
            "memory_mib": memory_series(after),
            "memory_limit_mib": after.memory_limit_bytes / MIB,
        }
        return conclude(Gate.LOAD, params, world, found, checks, started, series)


def peak_checks(observation: Observation) -> list[Check]:
    """Check the peak of the working set since the pod's start against its memory limit. The result is empty where no
    peak was measured.

    The working set holds no file cache that could be dropped, so a peak at the limit is memory that the app needs. A
    pod that was killed for its memory has reached the limit, whatever was measured: nothing samples its last moments.
    """
    limit = observation.memory_limit_bytes
    states = [state for pod in observation.pods for state in (pod.state, pod.last_state) if state]
    killed = any(state.reason == "OOMKilled" for state in states)
    meters = [*observation.samples, *([observation.cross_check] if observation.cross_check else [])]
    used = [sample.memory_bytes for sample in meters]
    peak = limit if killed else max([observation.peak_memory_bytes or 0, *used])
    if not peak:
        return []
    return [
        Check(
            code="peak-memory",
            verdict=verdict(peak < limit),
            message=f"the working set peaked at {peak / MIB:.0f} MiB, less than its limit of {limit / MIB:.0f} MiB is "
            "wanted",
            measured=round(peak / MIB, 1),
            threshold=round(limit / MIB),
            unit="MiB",
        )
    ]


def succeeded(result: RequestResult, labels: list[str]) -> bool:
    """Whether a request got status 200 and a prediction. Status 200 with another content is not a success."""
    return result.status == 200 and not prediction_fault(result.body, labels)


def request_checks(params: Params, results: list[RequestResult], labels: list[str]) -> list[Check]:
    """Check the 95th percentile of the latency over all answered requests, failed ones included, and the share of all
    requests that succeeded.

    A request without an answer before the deadline counts as failed. Without any sample the result is inconclusive.
    """
    if not results:
        message = f"no request was sent in {DEADLINE:.0f} s"
        wanted = params.load_requests
        return [Check(code="samples", verdict=Verdict.INCONCLUSIVE, message=message, measured=0, threshold=wanted)]
    p95 = percentile([result.milliseconds for result in results], 95)
    good = sum(succeeded(result, labels) for result in results)
    share = 100 * good / params.load_requests
    users, limit, least = params.load_users, params.p95_max_ms, params.success_min_percent
    return [
        Check(
            code="p95",
            verdict=verdict(p95 < limit),
            message=f"p95 {p95:.0f} ms with {users} users, less than {limit:g} ms is wanted",
            measured=round(p95, 1),
            threshold=limit,
            unit="ms",
        ),
        Check(
            code="success",
            verdict=verdict(share > least),
            message=f"{good} of {params.load_requests} requests succeeded, more than {least:g} % are wanted",
            measured=round(share, 1),
            threshold=params.success_min_percent,
            unit="%",
        ),
    ]
