"""Checks for faults of pods. The resource gate and the load gate use them.

What the model did to its container rejects. What the platform could not do for it (find a node, pull the image, create
a pod) says nothing about the model, and is inconclusive.
"""

from slipway_steps.domain.pods import ContainerState, Observation, Pod
from slipway_steps.domain.verdict import Check, Verdict

MIB = 2**20
CODES = {
    "OOMKilled": "oom-killed",
    "CrashLoopBackOff": "crash-loop",
    "ImagePullBackOff": "image-pull",
    "ErrImagePull": "image-pull",
    "Error": "crashed",
    "Completed": "completed",
}


PLATFORM_REASONS = frozenset(
    {
        "",  # no container of the pod was tried yet
        "ContainerCreating",
        "PodInitializing",
        "Unschedulable",
        "SchedulingGated",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
    }
)
"""Why a container waits that never ran. Its image is there: deploying it begins with tagging it in the registry."""


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
    platform = state.kind == "waiting" and state.reason in PLATFORM_REASONS
    found = Verdict.INCONCLUSIVE if platform else Verdict.REJECT
    return Check(code=code, verdict=found, message=message, measured=state.reason, threshold=threshold)


def pod_checks(observation: Observation) -> list[Check]:
    """One check for each fault: first the cause (how the container ended), then the symptom. The check `pods-running`
    where there is no fault.
    """
    why = observation.rollout.message
    if not observation.pods:
        message = f"{observation.environment} has no pod" + (f": {why}" if why else "")
        return [
            Check(code="no-pod", verdict=Verdict.INCONCLUSIVE, message=message, measured=0, threshold=1, unit="pods")
        ]
    limit = observation.memory_limit_bytes
    found: list[Check] = []
    for pod in observation.pods:
        if pod.phase == "Unknown":
            message = f"the state of pod {pod.name} is unknown: the platform does not hear of its node"
            found.append(Check(code="pod-unknown", verdict=Verdict.INCONCLUSIVE, message=message))
            continue
        causes = [_named(pod, pod.last_state, "was", limit)] if pod.last_state else []
        faults = [check for check in (*causes, _named(pod, pod.state, "is", limit)) if check]
        if pod.phase == "Pending" and not faults:
            faults.append(Check(code="pending", verdict=Verdict.INCONCLUSIVE, message=f"pod {pod.name} is Pending"))
        if not faults and not pod.ready:
            message = f"pod {pod.name} runs but is not ready"
            faults.append(Check(code="not-ready", verdict=Verdict.REJECT, message=message))
        if not faults and pod.restarts:
            message = f"pod {pod.name} was restarted {pod.restarts} times"
            faults.append(
                Check(code="restarted", verdict=Verdict.REJECT, message=message, measured=pod.restarts, threshold=0)
            )
        found += faults
    if not found and not observation.rollout.complete:
        found.append(Check(code="rollout", verdict=Verdict.INCONCLUSIVE, message=why))
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
