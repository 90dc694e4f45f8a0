"""The probes of Python, disk, memory and speed."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from variables import changing_variables

from slipway_steps.domain.health import HealthState
from slipway_steps.health import machine
from slipway_steps.settings import Settings

GIB = 2**30


@pytest.mark.parametrize(
    ("line", "state", "said"),
    [
        (f"pydantic=={version('pydantic')}\n# a comment", HealthState.HEALTHY, "all locked packages"),
        ("pydantic==1.0", HealthState.DEGRADED, "instead of 1.0"),
        ("no-such-package==1.0", HealthState.UNHEALTHY, "1 locked packages are missing: no-such-package; make setup"),
    ],
)
def test_packages_are_held_against_the_lock(
    line: str, state: HealthState, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.lock").write_text(line)
    monkeypatch.setattr(machine, "LOCK", tmp_path / "requirements.lock")
    found = machine.python(Settings())
    assert found.state is state
    assert said in found.message
    assert found.message.startswith(".".join(map(str, sys.version_info[:3])))


def test_this_environment_is_as_locked() -> None:
    assert machine.python(Settings()).state is HealthState.HEALTHY


@pytest.mark.parametrize(
    ("free", "state"),
    [(78 * GIB, HealthState.HEALTHY), (4 * GIB, HealthState.DEGRADED), (GIB // 2, HealthState.UNHEALTHY)],
)
def test_the_disk_needs_room_for_releases(
    free: int, state: HealthState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(100 * GIB, 0, free))
    models = tmp_path / "home" / "mlflow" / "artifacts" / "models" / "m-1"
    models.mkdir(parents=True)
    (models / "model.onnx").write_bytes(bytes(3 * 2**20))
    found = machine.disk(Settings(home=tmp_path / "home"))
    assert found.state is state
    assert "a release takes 3 MiB" in found.message
    assert machine.disk(Settings(home=tmp_path / "not" / "there")).state is state
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("free", "platform", "state"),
    [
        (22 * GIB, "local", HealthState.HEALTHY),
        (GIB, "local", HealthState.DEGRADED),
        (GIB, "kubernetes", HealthState.HEALTHY),
        (GIB / 8, "kubernetes", HealthState.UNHEALTHY),
    ],
)
def test_memory_is_for_training_where_it_trains(
    free: float, platform: str, state: HealthState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: free)
    assert machine.memory(Settings(platform=platform)).state is state


def test_the_speed_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MiB/s, process start" in machine.performance(Settings()).message
    monkeypatch.setattr(machine, "_hash_rate", lambda _seconds: 20.0)
    assert machine.performance(Settings()).state is HealthState.DEGRADED


def test_a_process_starts_while_other_probes_change_the_variables() -> None:
    with changing_variables():
        assert all(machine._start_seconds() > 0 for _ in range(100))
