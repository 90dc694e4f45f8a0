"""What the REST client answers is what MLflow's own client answers, asked of the same server; and what it refuses."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow_server import MlflowServer

from slipway_steps.adapters.mlflow.http_session import HttpSession, MlflowError
from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.mlflow.rest_client import RestClient
from slipway_steps.settings import Settings

TEXT = "ä 'quoted' \n" * 1000


@pytest.fixture(scope="module")
def registry(mlflow_server: MlflowServer, tmp_path_factory: pytest.TempPathFactory) -> MlflowRegistry:
    return MlflowRegistry(
        Settings(
            home=tmp_path_factory.mktemp("home"), tracking_uri=mlflow_server.url, experiment="by-rest", model="é m"
        )
    )


@pytest.fixture(scope="module")
def rest(registry: MlflowRegistry) -> RestClient:
    assert isinstance(registry.client, RestClient)
    return registry.client


@pytest.fixture(scope="module")
def mlflow(registry: MlflowRegistry) -> Any:
    return registry.connection.mlflow_client


@pytest.fixture(scope="module")
def run_id(registry: MlflowRegistry, rest: RestClient) -> str:
    return rest.create_run(registry.connection.experiment, "né", {"a": "1", "empty": ""}).info.run_id


def code_of(call: Callable[[], Any]) -> str:
    """MLflow's code of the error that a call raises."""
    with pytest.raises(Exception) as found:
        call()
    return str(found.value.error_code)  # type: ignore[attr-defined]


def files_of(client: Any, run_id: str, directory: Path) -> dict[str, bytes]:
    """Name -> content of the reports of a run, as a client downloads them."""
    directory.mkdir()
    copy = Path(client.download_artifacts(run_id, "reports", str(directory)))
    return {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_experiments_and_runs(registry: MlflowRegistry, rest: RestClient, mlflow: Any, run_id: str) -> None:
    assert rest.get_experiment_by_name("never-made") is mlflow.get_experiment_by_name("never-made") is None
    theirs = mlflow.get_experiment_by_name("by-rest")
    assert rest.get_experiment_by_name("by-rest").experiment_id == theirs.experiment_id  # type: ignore[union-attr]
    rest.set_tag(run_id, "slipway.release", "r 1")
    ours, theirs = rest.get_run(run_id), mlflow.get_run(run_id)
    assert ours.data.tags == theirs.data.tags
    assert ours.data.tags["slipway.release"] == "r 1"
    assert (ours.info.artifact_uri, "né") == (theirs.info.artifact_uri, theirs.info.run_name)
    wanted = "tags.`slipway.release` = 'r 1'"
    experiments = [registry.connection.experiment]
    for client in (rest, mlflow):
        assert [run.info.run_id for run in client.search_runs(experiments, wanted, max_results=1)] == [run_id]
        assert [*client.search_runs(experiments, "tags.`slipway.release` = 'r 2'", max_results=1)] == []
        assert code_of(lambda client=client: client.get_run("0" * 32)) == "RESOURCE_DOES_NOT_EXIST"  # type: ignore[misc]
        assert code_of(lambda client=client: client.create_experiment("by-rest")) == "RESOURCE_ALREADY_EXISTS"  # type: ignore[misc]


def test_artifacts(rest: RestClient, mlflow: Any, run_id: str, tmp_path: Path) -> None:
    assert rest.list_artifacts(run_id, "reports") == []
    picture = tmp_path / "a picture.png"
    picture.write_bytes(os.urandom(3 * 2**20))
    rest.log_text(run_id, TEXT, "reports/a.json")
    rest.log_artifact(run_id, str(picture), "reports")
    mlflow.log_text(run_id, TEXT, "reports/deep/er/b 1.json")
    names = sorted(Path(one.path).name for one in mlflow.list_artifacts(run_id, "reports"))
    assert sorted(rest.list_artifacts(run_id, "reports")) == names == ["a picture.png", "a.json", "deep"]
    ours, theirs = (files_of(client, run_id, tmp_path / name) for client, name in ((rest, "ours"), (mlflow, "theirs")))
    assert ours == theirs
    assert ours["a picture.png"] == picture.read_bytes()
    assert ours["deep/er/b 1.json"].decode() == TEXT


def test_the_registered_model(registry: MlflowRegistry, rest: RestClient, mlflow: Any, run_id: str) -> None:
    name = registry.model
    for client in (rest, mlflow):
        assert code_of(lambda client=client: client.get_registered_model(name)) == "RESOURCE_DOES_NOT_EXIST"  # type: ignore[misc]
    rest.create_registered_model(name)
    for client in (rest, mlflow):
        assert code_of(lambda client=client: client.create_registered_model(name)) == "RESOURCE_ALREADY_EXISTS"  # type: ignore[misc]
        assert code_of(lambda client=client: client.get_model_version(name, "1")) == "RESOURCE_DOES_NOT_EXIST"  # type: ignore[misc]
        assert code_of(lambda client=client: client.get_model_version(name, "x")) == "INVALID_PARAMETER_VALUE"  # type: ignore[misc]
    logged = mlflow.create_logged_model(registry.connection.experiment, name="model", source_run_id=run_id)
    assert rest.get_logged_model(logged.model_id).artifact_location == logged.artifact_location
    source = f"models:/{logged.model_id}"
    refused = code_of(lambda: mlflow.create_model_version(name, source, run_id=run_id))
    assert refused == "INVALID_PARAMETER_VALUE", "the server checks what the database does not"
    made = rest.create_model_version(name, source, run_id=run_id, model_id=logged.model_id)
    assert made.version == "1"
    rest.set_model_version_tag(name, "1", "slipway.é", TEXT)
    rest.set_registered_model_tag(name, "slipway.journal.staging", TEXT)
    rest.set_registered_model_alias(name, "staging", "1")
    rest.set_registered_model_alias(name, "canary", "1")
    rest.delete_registered_model_alias(name, "canary")
    ours, theirs = rest.get_model_version(name, "1"), mlflow.get_model_version(name, "1")
    assert (ours.version, ours.run_id, ours.tags) == (str(theirs.version), theirs.run_id, theirs.tags)
    found, known = rest.get_registered_model(name), mlflow.get_registered_model(name)
    assert (found.tags, found.aliases) == (known.tags, {key: str(value) for key, value in known.aliases.items()})
    assert (found.tags["slipway.journal.staging"], found.aliases) == (TEXT, {"staging": "1"})
    assert [one.version for one in rest.search_model_versions(f"name = '{name}'")] == ["1"]


def test_a_host_that_the_server_does_not_know_is_refused_with_its_words(mlflow_server: MlflowServer) -> None:
    http = HttpSession(Settings(tracking_uri=mlflow_server.url, mlflow_retries=0))
    http.session.headers["Host"] = "elsewhere.example:5000"
    with pytest.raises(MlflowError, match="status 403"):
        http.json("GET", "mlflow/experiments/get-by-name", {"experiment_name": "a"})


def test_speaking_to_a_server_imports_neither_mlflow_nor_numpy(mlflow_server: MlflowServer) -> None:
    """Each takes seconds in a pod."""
    code = (
        "import sys; from slipway_steps.adapters.world import make_world;"
        "from slipway_steps.domain.environment import Environment;"
        "world = make_world(); world.registry.record(Environment.STAGING); world.registry.reports('no-release');"
        "print([name for name in ('mlflow', 'numpy', 'pandas', 'sqlalchemy') if name in sys.modules])"
    )
    environment = {**os.environ, "SLIPWAY_TRACKING_URI": mlflow_server.url}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_credentials_are_those_of_mlflows_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "anna")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret-word")
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/ca.pem")
    http = HttpSession(Settings(tracking_uri="https://mlflow.example"))
    assert (http.session.auth, http.verify) == (("anna", "secret-word"), "/ca.pem")
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-token")
    assert HttpSession(Settings(tracking_uri="https://m.example")).session.headers["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_WORKSPACE"])
def test_a_login_of_another_kind_is_left_to_mlflows_own_client(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "true")
    assert not isinstance(MlflowRegistry(Settings(tracking_uri="http://127.0.0.1:9")).client, RestClient)
