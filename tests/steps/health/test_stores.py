"""The probes of MLflow and of the image store do what a release does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_packages import make_package

from slipway_steps.adapters.world import LazyWorld, make_world
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import ImageError, RegistryError
from slipway_steps.domain.health import HealthState
from slipway_steps.health.stores import artifacts, hurried, images, registry
from slipway_steps.settings import Settings


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LazyWorld]:
    yield make_world(Settings(home=tmp_path / "home"))


def test_a_new_home_is_healthy_and_stays_new(world: LazyWorld) -> None:
    for probe in (registry, artifacts, images):
        assert probe(world).state is HealthState.HEALTHY
    assert not world.settings.home.exists()


def test_a_home_that_cannot_be_written_is_unhealthy(world: LazyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    assert registry(world).state is HealthState.UNHEALTHY
    assert "cannot be written" in artifacts(world).message


def test_a_database_is_written_and_read(world: LazyWorld) -> None:
    _release(world)
    assert "SQLite, read + write" in registry(world).message
    assert "wrote, read back, deleted 64 KiB" in artifacts(world).message
    assert not list((world.settings.home / "mlflow" / "artifacts").glob("slipway-health-*"))


def test_a_damaged_database_is_said(world: LazyWorld) -> None:
    _release(world)
    (world.settings.home / "mlflow" / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(RegistryError, match="MLflow at"):
        registry(make_world(world.settings))


def test_what_is_served_is_hashed_again(world: LazyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = world.images.build(make_package(tmp_path / "package"), "1", "staging-1.0.1")
    served = {Environment.STAGING: Candidate(version="1", digest=digest, revision="")}
    world.platform = _Serving(served)
    assert images(world).message == "1 digest re-hashed"
    blobs = world.settings.home / "images" / "blobs" / "sha256"
    largest = max(blobs.iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 1
    largest.write_bytes(bytes(content))
    with pytest.raises(ImageError, match="damaged"):
        images(world)
    shutil.rmtree(blobs)
    with pytest.raises(ImageError, match="missing"):
        images(world)


def test_probes_ask_once_and_give_up_soon() -> None:
    found = hurried(Settings(tracking_uri="http://mlflow:5000", notify_key="k"), 5)
    assert (found.mlflow_retries, found.mlflow_timeout, found.kubernetes_timeout) == (0, 5, 5)
    assert found.tracking_uri == "http://mlflow:5000"
    assert found.notify_key.get_secret_value() == "k"


class _Serving:
    """A platform that says what is served."""

    def __init__(self, served: dict[Environment, Candidate]) -> None:
        self.served = served

    def status(self, environment: Environment) -> Candidate:
        return self.served.get(environment, Candidate(version="", digest="", revision=""))


def _release(world: LazyWorld) -> None:
    """Make the database, as the first release does."""
    world.registry.reports("none")
    from slipway_steps.adapters.mlflow.connection import MlflowConnection

    _ = MlflowConnection(world.settings).experiment
