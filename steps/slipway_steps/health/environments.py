"""The probe of the environments that models are served in."""

from slipway_steps.adapters.kubernetes.access import refused
from slipway_steps.domain.environment import ORDER, Environment
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.health import Finding, degraded, healthy, unhealthy
from slipway_steps.ports import World

FINE = ("Running", "Empty")


def environments(world: World) -> Finding:
    """Whether each environment serves what it should. Users are at production: where that is down, no release helps."""
    if missing := refused(world.settings):
        return unhealthy(f"this account may not {', '.join(missing)}; see docs/security.md")
    found = {environment: world.platform.status(environment) for environment in Environment}
    bad = {environment: status for environment, status in found.items() if status.phase not in FINE}
    if bad:
        message = "; ".join(_told(bad))
        return unhealthy(message) if ORDER[-1] in bad else degraded(message)
    served = [f"{environment} {status.version}" for environment, status in found.items() if status.version]
    return healthy(", ".join(served) if served else "nothing was released yet")


def _told(bad: dict[Environment, EnvironmentStatus]) -> list[str]:
    """What is wrong, and with which environments: several are often down for one reason."""
    reasons: dict[str, list[str]] = {}
    for environment, status in bad.items():
        reasons.setdefault(f"{status.phase}: {status.message}".rstrip(": "), []).append(environment)
    return [f"{', '.join(names)} {reason}" for reason, names in reasons.items()]
