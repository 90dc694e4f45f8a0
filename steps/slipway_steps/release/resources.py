"""The resource gate: do the pods run, and do memory and CPU stay within their limits?"""

import time
from collections.abc import Callable

from pydantic import Field

from slipway_steps.domain.errors import AppError
from slipway_steps.domain.pods import Observation
from slipway_steps.domain.verdict import Check, Gate, Verdict
from slipway_steps.ports import App, World
from slipway_steps.release.gate_run import GateOutputs, StagingParams, UnderTest, conclude, under_test, verdict
from slipway_steps.release.pod_checks import MIB, memory_check, memory_series, pod_checks

WARM_CALLS = 3
WARM_INTERVAL = 1.2
"""Seconds from one warm-up call to the next: light, steady work, which the limit has to allow. A model that needs 250
ms of a core is then throttled for a fifth of the time, and one that needs 7 ms not at all."""
SETTLE = 0.5
"""Seconds to wait after the last call, so that a sample which is a little late is still seen."""
SAMPLES_MIN = 3
"""The least number of samples since the warm-up began that a verdict needs."""

Outputs = GateOutputs


class Params(StagingParams):
    """The limits that the resource usage has to stay within."""

    memory_max_mib: float = Field(256, gt=0, allow_inf_nan=False, description="Memory that a pod may use, in MiB.")
    cpu_max_millicores: float = Field(
        500, gt=0, allow_inf_nan=False, description="CPU that a pod may use, in millicores."
    )
    throttled_max_percent: float = Field(
        50,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="Share of time that a pod may be throttled by its CPU limit under light work, in %.",
    )


def run(params: Params, world: World) -> GateOutputs:
    """Look at the pods, send a few predictions, and look at what they use. A pod that was killed is named even if it
    has been restarted.
    """
    started = time.time()
    with under_test(params, world) as found:
        before = world.platform.observe(params.source_environment)
        checks = pod_checks(before)
        series: dict[str, object] = {}
        if all(check.verdict is Verdict.PASS for check in checks):
            since = time.time()
            after = observed(params, world, found, since)
            checks = pod_checks(after)
            if all(check.verdict is Verdict.PASS for check in checks):
                checks += usage_checks(params, after, since)
            series = usage_series(after)
        series["memory_limit_mib"] = params.memory_max_mib
        return conclude(Gate.RESOURCES, params, world, found, checks, started, series)


def observed(params: Params, world: World, found: UnderTest, since: float) -> Observation:
    """The environment under light work, once there are enough samples of its usage: after one series of calls where
    its pods tell their usage, and after some where a cluster tells it, every 15 s.
    """
    deadline = time.monotonic() + world.settings.metrics_timeout
    world.platform.measure(params.source_environment)
    while True:
        seen = warm(
            found.app, [image for _, image in found.samples], lambda: world.platform.measure(params.source_environment)
        )
        fresh = [sample for sample in seen.samples if sample.at > since]
        if len(fresh) >= SAMPLES_MIN or not seen.metrics_available or time.monotonic() > deadline:
            return seen
        if any(check.verdict is not Verdict.PASS for check in pod_checks(seen)):
            return seen


def warm(app: App, images: list[bytes], look: Callable[[], Observation]) -> Observation:
    """Send a few predictions at a steady pace, and `look` after each. Returns what was seen last. A request without an
    answer is not an error here: the pods show whether the app died.
    """
    for number in range(WARM_CALLS):
        begun = time.monotonic()
        try:
            answer = app.predict(images[number % len(images)])
            print(f"warm-up {number + 1}/{WARM_CALLS}: {answer.status} in {answer.milliseconds:.0f} ms", flush=True)
        except AppError as error:
            print(f"warm-up {number + 1}/{WARM_CALLS}: {error.message}", flush=True)
        time.sleep(max(0.0, WARM_INTERVAL - (time.monotonic() - begun)))
        look()
    time.sleep(SETTLE)
    return look()


def usage_checks(params: Params, observation: Observation, since: float) -> list[Check]:
    """Check memory, CPU and throttling of the samples since the warm-up began. The result is inconclusive with too few
    samples. Of two meters for the memory the higher one counts.
    """
    samples = [sample for sample in observation.samples if sample.at > since]
    if not observation.metrics_available or len(samples) < SAMPLES_MIN:
        reason = "there are no metrics" if not observation.metrics_available else f"only {len(samples)} samples"
        message = f"usage cannot be judged: {reason} since the warm-up began, {SAMPLES_MIN} are needed"
        return [
            Check(
                code="metrics",
                verdict=Verdict.INCONCLUSIVE,
                message=message,
                measured=len(samples),
                threshold=SAMPLES_MIN,
                unit="samples",
            )
        ]
    cpu = sum(sample.cpu_millicores for sample in samples) / len(samples)
    held = [sample.throttled_percent for sample in samples if sample.throttled_percent is not None]
    meters = [*samples, *([observation.cross_check] if observation.cross_check else [])]
    memory = max(sample.memory_bytes for sample in meters) / MIB
    return [
        memory_check(memory, params.memory_max_mib, "memory in use"),
        Check(
            code="cpu",
            verdict=verdict(cpu < params.cpu_max_millicores),
            message=f"CPU {cpu:.0f} millicores under light work, the limit is {params.cpu_max_millicores:g}",
            measured=round(cpu, 1),
            threshold=params.cpu_max_millicores,
            unit="millicores",
        ),
        *([throttled_check(sum(held) / len(held), params.throttled_max_percent)] if held else []),
    ]


def throttled_check(measured: float, limit: float) -> Check:
    """Check the share of time in which the CPU limit stopped the app, in %."""
    return Check(
        code="throttled",
        verdict=verdict(measured <= limit),
        message=f"throttled by its CPU limit {measured:.0f} % of the time, at most {limit:g} % is allowed",
        measured=round(measured, 1),
        threshold=limit,
        unit="%",
    )


def usage_series(observation: Observation) -> dict[str, object]:
    """Memory and CPU over time, for the plots of the report."""
    memory = memory_series(observation)
    cpu = [[m[0], round(s.cpu_millicores, 1)] for m, s in zip(memory, observation.samples, strict=True)]
    return {"memory_mib": memory, "cpu_millicores": cpu}
