"""Does the model fit the limits of Kubernetes: pods run, and memory and CPU stay under their limits."""

import time

from pydantic import Field

from slipway_steps.domain.errors import AppError
from slipway_steps.domain.pods import Observation
from slipway_steps.domain.verdict import Check, Gate, Verdict
from slipway_steps.ports import App, World
from slipway_steps.release.gate_run import GateOutputs, StagingParams, UnderTest, conclude, under_test, verdict
from slipway_steps.release.pod_checks import MIB, memory_check, memory_series, pod_checks

WARM_CALLS = 4
WARM_INTERVAL = 1.2
"""Seconds from one warming call to the next: usage under light, steady work, which the limit has to allow. A model that
needs 250 ms of a core is then held back for a fifth of the time, one of 7 ms not at all."""
SETTLE = 0.5
"""Seconds after the last call's interval, so that a sample which came a little late is seen."""
SAMPLES_MIN = 3
"""Samples newer than the pod below which nothing can be said."""

Outputs = GateOutputs


class Params(StagingParams):
    """The limits."""

    memory_max_mib: float = Field(256, description="MiB of memory a pod may use (requirement R1.3).")
    cpu_max_millicores: float = Field(500, description="Millicores a pod may use (requirement R1.3).")
    throttled_max_percent: float = Field(
        50, description="% of time a pod may be held back by its CPU limit under light work; above, it has too little."
    )


def run(params: Params, world: World) -> GateOutputs:
    """Look at the pods, warm them, look at what they use. A killed pod is named even if it has been restarted."""
    started = time.time()
    with under_test(params, world) as found:
        before = world.platform.observe(params.source_environment)
        checks = pod_checks(before)
        series: dict[str, object] = {}
        if all(check.verdict is Verdict.PASS for check in checks):
            since = time.time()
            warm(found.app, [image for _, image in found.samples])
            after = observed(params, world, found, since)
            checks = pod_checks(after)
            if all(check.verdict is Verdict.PASS for check in checks):
                checks += usage_checks(params, after, since)
            series = usage_series(after)
        series["memory_limit_mib"] = params.memory_max_mib
        return conclude(Gate.RESOURCES, params, world, found, checks, started, series)


def observed(params: Params, world: World, found: UnderTest, since: float) -> Observation:
    """The environment, once there are enough samples: on a cluster they come every 15 s or so, under light work."""
    deadline = time.monotonic() + world.settings.metrics_timeout
    while True:
        seen = world.platform.observe(params.source_environment)
        fresh = [sample for sample in seen.samples if sample.at > since]
        if len(fresh) >= SAMPLES_MIN or not seen.metrics_available or time.monotonic() > deadline:
            return seen
        if any(check.verdict is not Verdict.PASS for check in pod_checks(seen)):
            return seen
        warm(found.app, [image for _, image in found.samples])


def warm(app: App, images: list[bytes]) -> None:
    """Some paced predictions. An app that dies of them is seen by its pod, so no answer is no error here."""
    for number in range(WARM_CALLS):
        begun = time.monotonic()
        try:
            answer = app.predict(images[number % len(images)])
            print(f"warm-up {number + 1}/{WARM_CALLS}: {answer.status} in {answer.milliseconds:.0f} ms", flush=True)
        except AppError as error:
            print(f"warm-up {number + 1}/{WARM_CALLS}: {error.message}", flush=True)
        time.sleep(max(0.0, WARM_INTERVAL - (time.monotonic() - begun)))
    time.sleep(SETTLE)


def usage_checks(params: Params, observation: Observation, since: float) -> list[Check]:
    """Memory, CPU and throttling of the samples since the warm-up began; too few are inconclusive."""
    samples = [sample for sample in observation.samples if sample.at > since]
    if not observation.metrics_available or len(samples) < SAMPLES_MIN:
        reason = "no metrics are to be had" if not observation.metrics_available else f"only {len(samples)} samples"
        message = f"usage cannot be judged: {reason} since the pod started, {SAMPLES_MIN} are wanted"
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
    memory = max(sample.memory_bytes for sample in samples) / MIB
    return [
        memory_check(observation, memory, params.memory_max_mib, "memory in use"),
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
    """Only where it is measured: a cluster's metrics do not tell."""
    return Check(
        code="throttled",
        verdict=verdict(measured <= limit),
        message=f"held back by its limit {measured:.0f} % of the time, at most {limit:g}",
        measured=round(measured, 1),
        threshold=limit,
        unit="%",
    )


def usage_series(observation: Observation) -> dict[str, object]:
    """Memory and CPU over time, for the report."""
    memory = memory_series(observation)
    cpu = [[m[0], round(s.cpu_millicores, 1)] for m, s in zip(memory, observation.samples, strict=True)]
    return {"memory_mib": memory, "cpu_millicores": cpu}
