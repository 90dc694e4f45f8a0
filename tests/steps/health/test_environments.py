"""The probe of the environments: production is what users have."""

from types import SimpleNamespace

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.health import Finding, HealthState
from slipway_steps.health.environments import environments
from slipway_steps.settings import Settings


def found(**phases: str) -> Finding:
    def status(environment: Environment) -> EnvironmentStatus:
        phase = phases.get(environment, "Empty")
        version = None if phase == "Empty" else "7"
        message = "" if phase in ("Running", "Empty") else "see its log"
        return EnvironmentStatus(version=version, digest=None, phase=phase, url=None, message=message)

    world = SimpleNamespace(settings=Settings(), platform=SimpleNamespace(status=status))
    return environments(world)  # type: ignore[arg-type]  # as much of a world as the probe uses


def test_what_serves_is_told() -> None:
    assert found(staging="Running", canary="Running").message == "staging 7, canary 7"
    assert found().message == "nothing was released yet"


def test_an_environment_that_is_down_degrades_and_production_is_worse() -> None:
    assert found(canary="CrashLoopBackOff", production="Running").state is HealthState.DEGRADED
    assert found(canary="CrashLoopBackOff").message == "canary CrashLoopBackOff: see its log"
    assert found(canary="Running", production="Pending").state is HealthState.UNHEALTHY


def test_several_that_are_down_for_one_reason_are_one_line() -> None:
    assert found(staging="Stopped", canary="Stopped").message == "staging, canary Stopped: see its log"
