"""Checks whether a gate judged the same pods from its beginning to its end. If the platform lost a pod, this says
nothing about the model that ran in it.
"""

import time

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.pods import Observation, Pod
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.ports import World

SETTLES_IN = 10.0
"""Seconds that a gate waits for a healthy pod that the platform has just started. An app starts in under 3."""
POLL = 0.2
"""Seconds between two observations."""


def wait_until_settled(world: World, environment: Environment) -> Observation:
    """The environment once no healthy pod is still starting: between the deployment and the gate the platform may have
    lost a pod and started another. The gate does not wait for a pod that has failed.
    """
    deadline = time.monotonic() + SETTLES_IN
    while True:
        seen = world.platform.observe(environment)
        if not any(_comes_up(pod) for pod in seen.pods) or time.monotonic() > deadline:
            return seen
        time.sleep(POLL)


def _comes_up(pod: Pod) -> bool:
    failed = pod.restarts or pod.last_state or pod.state.kind == "terminated"
    stuck = pod.state.kind == "waiting" and pod.state.reason not in ("", "ContainerCreating")
    return not (pod.ready or failed or stuck)


def pod_names(observation: Observation) -> frozenset[str]:
    """The names of all pods in an observation."""
    return frozenset(pod.name for pod in observation.pods)


def excuse_lost_pods(checks: list[Check], before: frozenset[str], after: Observation) -> list[Check]:
    """The checks, unchanged unless the platform lost pods in the meantime. In that case the lost pod becomes the first
    check, and every rejection becomes inconclusive.

    A container that ends, also for its memory, is restarted in the same pod, so it still rejects. A pod is lost if it
    is gone and another has been created, or if its phase is Unknown.
    """
    now = pod_names(after)
    unknown = sorted(pod.name for pod in after.pods if pod.phase == "Unknown")
    gone = sorted(before - now) if now - before else []
    if not (gone or unknown):
        return checks
    what = (
        f"pod {', '.join(gone)} was lost and replaced" if gone else f"the state of pod {', '.join(unknown)} is unknown"
    )
    lost = Check(
        code="pod-lost",
        verdict=Verdict.INCONCLUSIVE,
        message=f"{what} while {after.environment} was judged: the platform failed, which says nothing about the model",
    )
    spared = {Verdict.REJECT: Verdict.INCONCLUSIVE}
    return [lost, *(one.model_copy(update={"verdict": spared.get(one.verdict, one.verdict)}) for one in checks)]
