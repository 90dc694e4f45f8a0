"""The step `health`: red where a component cannot be used, and people are told."""

from types import SimpleNamespace

import pytest

from slipway_steps.domain.health import HealthState, degraded, healthy, unhealthy
from slipway_steps.health import step
from slipway_steps.health.check import Probe
from slipway_steps.settings import Settings


class Told:
    def __init__(self) -> None:
        self.messages: list[tuple[str, list[str]]] = []

    def notify(self, summary: str, lines: list[str], failed: bool = True) -> bool:
        self.messages.append((summary, lines))
        return True


@pytest.fixture
def told() -> Told:
    return Told()


def run(told: Told, monkeypatch: pytest.MonkeyPatch, probe: Probe, strict: bool = False) -> HealthState:
    monkeypatch.setattr(step, "probes_of", lambda _settings: {"registry": probe})
    world = SimpleNamespace(settings=Settings(), notifier=told)
    return step.run(step.Params(strict=strict, release="health-check-x"), world).health  # type: ignore[arg-type]


def test_what_is_healthy_tells_nobody(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(told, monkeypatch, lambda: healthy("fine")) is HealthState.HEALTHY
    assert told.messages == []


def test_what_is_unhealthy_fails_and_tells(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(step.NotHealthy, match="registry unhealthy: away"):
        run(told, monkeypatch, lambda: unhealthy("away"))
    assert told.messages == [("health-check-x: unhealthy (1 of 1)", ["registry unhealthy: away"])]


def test_degraded_is_trouble_only_where_that_is_asked_for(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(told, monkeypatch, lambda: degraded("slow")) is HealthState.DEGRADED
    with pytest.raises(step.NotHealthy):
        run(told, monkeypatch, lambda: degraded("slow"), strict=True)
