"""Checks for faults of pods. The resource gate and the load gate use them."""

from slipway_steps.domain.pods import ContainerState, Observation, Pod
from slipway_steps.domain.verdict import Check, Verdict

MIB = 2**20
CODES = {
    "OOMKilled": "oom-killed",
    "CrashLoopBackOff": "crash-loop",
    "ImagePullBackOff": "image-pull",
    "ErrImagePull": "image-pull",
    "ContainerCreating": "pending",
    "Error": "crashed",
    "Completed": "completed",
}


def _named(pod: Pod, state: ContainerState, when: str, limit: int) -> Check | None:
    if state.kind == "running":
        return None
    code = CODES.get(state.reason, "pending" if state.kind == "waiting" else "crashed")
    oom = code == "oom-killed"
    what = f"pod {pod.name} {when} {state.reason or state.kind}"
    if state.exit_code is not None:
        what += f" (exit code {state.exit_code})"
    message = f"{what}: it needs more than its memory limit of {limit / MIB:.0f} MiB" if oom else what
    if state.message and not oom:
        message += f": {state.message}"
    threshold = f"{limit / MIB:.0f} MiB" if oom else None
    return Check(code=code, verdict=Verdict.REJECT, message=message, measured=state.reason, threshold=threshold)


def pod_checks(observation: Observation) -> list[Check]:
    """One check for each fault: first the cause (how the container ended), then the symptom. The check `pods-running`
    where there is no fault.
    """
    if not observation.pods:
        message = f"{observation.environment} has no pod"
        return [Check(code="no-pod", verdict=Verdict.REJECT, message=message, measured=0, threshold=1, unit="pods")]
    limit = observation.memory_limit_bytes
    found: list[Check] = []
    for pod in observation.pods:
        causes = [_named(pod, pod.last_state, "was", limit)] if pod.last_state else []
        faults = [check for check in (*causes, _named(pod, pod.state, "is", limit)) if check]
        if pod.phase == "Pending" and not faults:
            faults.append(Check(code="pending", verdict=Verdict.REJECT, message=f"pod {pod.name} is Pending"))
        if not faults and not pod.ready:
            message = f"pod {pod.name} runs but is not ready"
            faults.append(Check(code="not-ready", verdict=Verdict.REJECT, message=message))
        if not faults and pod.restarts:
            message = f"pod {pod.name} was restarted {pod.restarts} times"
            faults.append(
                Check(code="restarted", verdict=Verdict.REJECT, message=message, measured=pod.restarts, threshold=0)
            )
        found += faults
    if found:
        return found
    count = len(observation.pods)
    message = f"{count} of {count} pods run and are ready, none was restarted"
    return [
        Check(code="pods-running", verdict=Verdict.PASS, message=message, measured=count, threshold=count, unit="pods")
    ]


def memory_check(measured: float, limit_mib: float, what: str) -> Check:
    """Check the measured memory against the limit, both in MiB. `what` names the measured value in the message."""
    return Check(
        code="memory",
        verdict=Verdict.PASS if measured < limit_mib else Verdict.REJECT,
        message=f"{what} {measured:.0f} MiB, the limit is {limit_mib:.0f} MiB",
        measured=round(measured, 1),
        threshold=limit_mib,
        unit="MiB",
    )


def memory_series(observation: Observation) -> list[list[float]]:
    """The memory of each sample as [seconds since the first sample, MiB]."""
    if not observation.samples:
        return []
    first = observation.samples[0].at
    return [[round(s.at - first, 2), round(s.memory_bytes / MIB, 2)] for s in observation.samples]
