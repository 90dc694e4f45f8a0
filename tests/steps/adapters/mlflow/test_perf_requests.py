"""What performance tests ask of real MLflow, on its database without a server, and on its server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway_steps.adapters.mlflow.experiments import MlflowExperiments
from slipway_steps.adapters.mlflow.reads import READS, MlflowReads
from slipway_steps.domain.errors import RegistryError
from slipway_steps.settings import Settings


@pytest.fixture(scope="module", params=["database", "server"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    uri = request.getfixturevalue("mlflow_server").url if request.param == "server" else ""
    yield Settings(home=tmp_path_factory.mktemp("perf") / "home", tracking_uri=uri)


def test_an_experiment_is_created_and_deleted_once(settings: Settings) -> None:
    experiments = MlflowExperiments(settings)
    experiments.connect()
    experiments.create("perf-abc")
    assert experiments.connection.client.get_experiment_by_name("perf-abc") is not None
    with pytest.raises(RegistryError, match="create failed"):
        experiments.create("perf-abc")
    assert experiments.delete("perf-abc")
    assert not MlflowExperiments(settings).delete("perf-of-nobody")


def test_every_operation_only_reads_and_succeeds(settings: Settings) -> None:
    MlflowExperiments(settings).connect()
    reads = MlflowReads(settings)
    assert reads.operations == list(READS)
    assert [reads.get(operation) for operation in READS] == [200] * 3
    expected = {"requests": 3, "connections": 1, "connections kept": 10} if settings.tracking_uri else {}
    assert reads.pool() == expected


def test_without_a_database_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert MlflowReads(Settings(home=tmp_path)).operations == []
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_gone_is_an_error_at_once() -> None:
    reads = MlflowReads(Settings(tracking_uri="http://127.0.0.1:9"))
    with pytest.raises(RegistryError, match="no answer"):
        reads.get("registry/models")
