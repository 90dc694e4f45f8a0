import pytest
from steps.release.fakes import Memory

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.ports import World
from slipway_steps.release import promote, rollout


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    return in_memory(monkeypatch)


def in_memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """HTTP is asked for nothing here: whether an environment serves is what the memory says."""
    memory = Memory()

    def serves(world: World, environment: Environment, candidate: Candidate) -> bool:
        there: Memory = world.platform  # type: ignore[assignment]
        return there.healthy(environment) and there.running.get(environment) == candidate

    monkeypatch.setattr(rollout, "serves", serves)
    monkeypatch.setattr(promote, "serves", serves)
    monkeypatch.setattr(promote, "predicts", serves)
    return memory
