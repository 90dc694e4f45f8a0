"""What stands in an environment of a cluster, in one line, by the Kubernetes API alone: nothing is asked of the app."""

import time
from typing import TYPE_CHECKING

from slipway_steps.adapters.argocd.application_state import trouble
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.pods import Observation

if TYPE_CHECKING:
    from slipway_steps.adapters.argocd.platform import KubernetesPlatform


def read_status(platform: "KubernetesPlatform", environment: Environment) -> EnvironmentStatus:
    """The status, from the environment's Application, its Deployment and the Deployment's pods.

    Raises PlatformError where one of them cannot be read, or there is no Application.
    """
    found = platform.standing(environment)
    why = trouble(platform.argocd.read(environment), time.time())
    if found is None:
        return EnvironmentStatus(version=None, digest=None, phase="Empty", url=None, message=why)
    seen = platform.observe(environment)
    stale = sorted({pod.digest for pod in seen.pods} - {found.digest})
    phase, not_up = _phase(seen)
    if stale and not not_up:
        phase, not_up = "Pending", f"its pods run {', '.join(digest[:19] for digest in stale)}"
    return EnvironmentStatus(
        version=found.version,
        digest=found.digest,
        phase=phase,
        url=f"http://{service_host(platform.settings.app, environment)}",
        restarts=max((pod.restarts for pod in seen.pods), default=0),
        message="; ".join(part for part in (not_up, why) if part),
    )


def _phase(seen: Observation) -> tuple[str, str]:
    """The phase, and why it does not serve; "" where it does."""
    for pod in seen.pods:
        if pod.phase == "Unknown":
            return "Unknown", f"the platform does not hear of the node of pod {pod.name}"
        if not pod.ready:
            phase = pod.state.reason if pod.state.kind != "running" else ""
            return (
                phase or "Pending",
                f"pod {pod.name}: {pod.state.message or pod.state.reason or 'it is not ready yet'}",
            )
    if not seen.pods or not seen.rollout.complete:
        return "Pending", seen.rollout.message or "it has no pod"
    return "Running", ""
