"""All probes at once; none takes longer than the limit, and none keeps another from its answer."""

import threading
import time

import pytest

from slipway_steps.domain.errors import RegistryError
from slipway_steps.domain.health import COMPONENTS, Finding, HealthState, healthy
from slipway_steps.health.check import HealthCheck, probes_of
from slipway_steps.settings import Settings


def fine() -> Finding:
    return healthy("fine")


def test_every_component_has_a_probe() -> None:
    assert tuple(probes_of(Settings())) == COMPONENTS


def test_a_probe_that_hangs_is_unhealthy_and_the_others_answer() -> None:
    forever = threading.Event()
    begin = time.monotonic()
    report = HealthCheck({"registry": lambda: healthy(str(forever.wait())), "disk": fine}, limit=0.3).run()
    assert time.monotonic() - begin < 2
    assert [(one.component, one.state) for one in report.components] == [
        ("registry", HealthState.UNHEALTHY),
        ("disk", HealthState.HEALTHY),
    ]
    assert report.components[0].message == "no answer in 0.3 s"
    forever.set()


def test_probes_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=5)

    def meet() -> Finding:
        together.wait()
        return healthy("met")

    report = HealthCheck(dict.fromkeys(("disk", "memory", "python"), meet)).run()
    assert report.overall is HealthState.HEALTHY
    assert [one.component for one in report.components] == ["python", "disk", "memory"]


@pytest.mark.parametrize("error", [RegistryError("MLflow is away", "start it"), KeyError("a fault of ours")])
def test_whatever_a_probe_raises_makes_its_component_unhealthy(error: Exception) -> None:
    def broken() -> Finding:
        raise error

    (one,) = HealthCheck({"registry": broken}).run().components
    assert one.state is HealthState.UNHEALTHY
    assert str(error)[:10] in one.message


def test_a_probe_that_still_waits_is_not_asked_again() -> None:
    forever, asked = threading.Event(), []

    def hang() -> Finding:
        asked.append(1)
        forever.wait()
        return healthy("at last")

    check = HealthCheck({"registry": hang}, limit=0.1)
    assert [check.run().overall, check.run().overall] == [HealthState.UNHEALTHY] * 2
    assert len(asked) == 1
    forever.set()
    time.sleep(0.1)
    assert check.run().components[0].message == "at last"
