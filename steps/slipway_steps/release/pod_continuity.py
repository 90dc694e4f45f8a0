"""Whether a gate judged the same pods from its beginning to its end. A platform that loses pods says nothing about the
model that ran in them.
"""

import time

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.pods import Observation, Pod
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.ports import World

SETTLES_IN = 10.0
"""Seconds that a gate waits for a pod that the platform has just started anew and that nothing is wrong with; an app
starts in under 3."""
POLL = 0.2
"""Seconds between two looks."""


def settled(world: World, environment: Environment) -> Observation:
    """The environment as the gate finds it, once no pod in it is on its way up: between deployment and gate the
    platform may have lost one and started another. A pod that has failed is not waited for.
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


def names_of(observation: Observation) -> frozenset[str]:
    """The names of the pods."""
    return frozenset(pod.name for pod in observation.pods)


def excused(checks: list[Check], before: frozenset[str], after: Observation) -> list[Check]:
    """The checks as they are; where the platform lost pods meanwhile, none of them a rejection, and the reason first.

    A container that ends, also for its memory, is restarted in the same pod: that rejects as ever. A pod that is gone
    while another has come, or that the platform can no longer tell about, was lost.
    """
    now = names_of(after)
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
