"""Checks whether a gate judged the candidate's own pods, the same from its beginning to its end. If the platform lost a
pod or started none, this says nothing about the model.
"""

import time

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.pods import Observation, Pod
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.ports import World
from slipway_steps.release.pod_checks import pod_checks

SETTLES_IN = 10.0
"""Seconds that a gate waits for a healthy pod that the platform has just started. An app starts in under 3."""
POLL = 0.2
"""Seconds between two observations."""


def wait_until_settled(world: World, environment: Environment) -> Observation:
    """The environment once no healthy pod is still starting and no pod of another version is left: between the
    deployment and the gate the platform may have lost a pod and started another. The gate does not wait for a pod that
    has failed.
    """
    deadline = time.monotonic() + SETTLES_IN
    while True:
        seen = world.platform.observe(environment)
        if not _is_moving(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(POLL)


def _is_moving(observation: Observation) -> bool:
    if any(pod.restarts or pod.state.kind == "terminated" for pod in observation.pods):
        return any(_comes_up(pod) for pod in observation.pods)
    rollout = observation.rollout
    return any(_comes_up(pod) for pod in observation.pods) or not (rollout.complete or rollout.given_up)


def _comes_up(pod: Pod) -> bool:
    failed = pod.restarts or pod.last_state or pod.state.kind == "terminated"
    stuck = pod.state.kind == "waiting" and pod.state.reason not in ("", "ContainerCreating")
    return not (pod.ready or failed or stuck)


def pod_names(observation: Observation) -> frozenset[str]:
    """The names of all pods in an observation."""
    return frozenset(pod.name for pod in observation.pods)


def excuse_lost_pods(checks: list[Check], before: frozenset[str], after: Observation) -> list[Check]:
    """The checks, unchanged unless the platform lost the candidate's pods in the meantime or has not started them. In
    that case the reason becomes the first check, and every rejection becomes inconclusive.

    A container that ends, also for its memory, is restarted in the same pod, so it still rejects. A pod is lost if it
    is gone, or if its phase is Unknown. Where a new pod does not start, the pod of the version before still answers.
    """
    reasons = _lost(before, after) or _not_up(after)
    if not reasons:
        return checks
    spared = {Verdict.REJECT: Verdict.INCONCLUSIVE}
    others = [one for one in checks if one not in reasons]
    return [*reasons, *(one.model_copy(update={"verdict": spared.get(one.verdict, one.verdict)}) for one in others)]


def _lost(before: frozenset[str], after: Observation) -> list[Check]:
    now = pod_names(after)
    gone = sorted(before - now) if now - before or not now else []
    if not gone:
        return []
    what = f"pod {', '.join(gone)} was lost" + (" and replaced" if now else "")
    message = f"{what} while {after.environment} was judged: the platform failed, which says nothing about the model"
    return [Check(code="pod-lost", verdict=Verdict.INCONCLUSIVE, message=message)]


def _not_up(after: Observation) -> list[Check]:
    """What the platform has not done, where nothing is wrong with a container that ran."""
    found = [check for check in pod_checks(after) if check.verdict is not Verdict.PASS]
    return [] if any(check.verdict is Verdict.REJECT for check in found) else found
