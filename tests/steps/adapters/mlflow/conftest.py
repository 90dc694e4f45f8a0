"""The MLflow server that the tests of this directory share."""

from collections.abc import Iterator

import pytest
from mlflow_server import MlflowServer


@pytest.fixture(autouse=True)
def no_waits_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow reads its waits in the environment of the process, where a registry of another test has put them."""
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A real server, whose artifacts go through it."""
    found = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    found.start()
    yield found
    found.kill()
