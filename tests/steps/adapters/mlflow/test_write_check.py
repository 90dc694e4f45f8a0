"""A small write of each kind, on MLflow's own database and on its server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway_steps.adapters.mlflow.write_check import PREFIX, TAG, WriteCheck
from slipway_steps.domain.errors import RegistryError
from slipway_steps.settings import Settings


@pytest.fixture(scope="module", params=["database", "server"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    uri = request.getfixturevalue("mlflow_server").url if request.param == "server" else ""
    yield Settings(home=tmp_path_factory.mktemp("health") / "home", tracking_uri=uri)


def test_a_tag_is_written_and_read(settings: Settings) -> None:
    check = WriteCheck(settings)
    assert 0 < check.registry() < 60
    client, experiment = check.connection.client, check.connection.experiment
    first = client.get_experiment(experiment).tags[TAG]
    check.registry()
    assert client.get_experiment(experiment).tags[TAG] != first


def test_a_file_is_written_read_and_gone(settings: Settings, request: pytest.FixtureRequest) -> None:
    check = WriteCheck(settings)
    assert 0 < check.artifacts(64 * 1024) < 60
    root = request.getfixturevalue("mlflow_server").directory if settings.tracking_uri else settings.home
    assert not list(root.rglob(f"{PREFIX}*"))


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = WriteCheck(Settings(home=tmp_path))
    assert check.is_new
    check.registry()
    assert not check.is_new

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RegistryError, match="No space left"):
        check.artifacts(10)
    assert not list(tmp_path.rglob(f"{PREFIX}*"))


def test_a_server_that_is_away_is_an_error(tmp_path: Path) -> None:
    check = WriteCheck(Settings(home=tmp_path, tracking_uri="http://127.0.0.1:9", mlflow_retries=0))
    assert check.kind == "MLflow's server"
    for probe in (check.registry, lambda: check.artifacts(10)):
        with pytest.raises(RegistryError, match="no answer"):
            probe()
