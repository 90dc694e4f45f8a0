"""MLflow's REST API, as much of it as releases and performance tests need. The methods are named as those of
mlflow.MlflowClient, and what they return has the same attributes.
"""

import mimetypes
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway_steps.adapters.mlflow.entities import Experiment, LoggedModel, ModelVersion, RegisteredModel, Run
from slipway_steps.adapters.mlflow.http_session import HttpSession, MlflowError
from slipway_steps.adapters.mlflow.proxied_artifacts import ProxiedArtifacts, are_proxied

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSIONS = 1000
"""How many model versions are asked for at once."""


class RestClient:
    """Speaks to an MLflow server without importing MLflow. Each method raises MlflowError where the server refuses a
    call or cannot be asked.

    `other`: returns MLflow's own client, for artifacts that do not go through the server.
    """

    def __init__(self, http: HttpSession, other: Callable[[], "MlflowClient"]) -> None:
        self.http = http
        self.other = other
        self._artifact_uris: dict[str, str] = {}

    def _get(self, path: str, **values: Any) -> dict[str, Any]:
        return self.http.json("GET", f"mlflow/{path}", values)

    def _post(self, path: str, **values: Any) -> dict[str, Any]:
        return self.http.json("POST", f"mlflow/{path}", values)

    # experiments and runs

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of that name, or None."""
        try:
            found = self._get("experiments/get-by-name", experiment_name=name)["experiment"]
        except MlflowError as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return Experiment.parse(found)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of that id."""
        return Experiment.parse(self._get("experiments/get", experiment_id=experiment_id)["experiment"])

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Set a tag of an experiment."""
        self._post("experiments/set-experiment-tag", experiment_id=experiment_id, key=key, value=value)

    def search_experiments(self, filter_string: str, max_results: int = 1000) -> list[Experiment]:
        """The experiments that the filter selects and that are not deleted, the newest first."""
        found = self._post("experiments/search", filter=filter_string, max_results=max_results)
        return [Experiment.parse(one) for one in found.get("experiments") or []]

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: dict[str, str] | None = None
    ) -> str:
        """Create an experiment and return its id. `artifact_location`: None for the server's own choice."""
        given: dict[str, Any] = {"artifact_location": artifact_location} if artifact_location else {}
        listed = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        return str(self._post("experiments/create", name=name, tags=listed, **given)["experiment_id"])

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment and its runs."""
        self._post("experiments/delete", experiment_id=experiment_id)

    def search_runs(self, experiment_ids: Sequence[str], filter_string: str = "", max_results: int = 1000) -> list[Run]:
        """The runs that the filter selects, the newest first."""
        found = self._post(
            "runs/search", experiment_ids=[*experiment_ids], filter=filter_string, max_results=max_results
        )
        return [Run.parse(one) for one in found.get("runs") or []]

    def create_run(self, experiment_id: str, run_name: str, tags: dict[str, str]) -> Run:
        """Create a run, which begins now."""
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        started = int(time.time() * 1000)
        found = self._post(
            "runs/create", experiment_id=experiment_id, run_name=run_name, start_time=started, tags=listed
        )
        return Run.parse(found["run"])

    def get_run(self, run_id: str) -> Run:
        """The run of that id."""
        return Run.parse(self._get("runs/get", run_id=run_id)["run"])

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set a tag of a run."""
        self._post("runs/set-tag", run_id=run_id, key=key, value=value)

    def log_metric(self, run_id: str, key: str, value: float) -> None:
        """Log a number of a run, with the time of now."""
        self._post("runs/log-metric", run_id=run_id, key=key, value=value, timestamp=int(time.time() * 1000))

    def set_terminated(self, run_id: str) -> None:
        """End a run, with success."""
        self._post("runs/update", run_id=run_id, status="FINISHED", end_time=int(time.time() * 1000))

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """The logged model of that id."""
        return LoggedModel(self._get(f"logged-models/{model_id}")["model"]["info"]["artifact_uri"])

    # artifacts

    def _artifacts(self, run_id: str) -> ProxiedArtifacts | None:
        """The artifacts of a run; None where they do not go through the server."""
        if run_id not in self._artifact_uris:
            self._artifact_uris[run_id] = self.get_run(run_id).info.artifact_uri
        uri = self._artifact_uris[run_id]
        return ProxiedArtifacts(self.http, uri) if are_proxied(uri) else None

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store a text as an artifact of a run."""
        artifacts = self._artifacts(run_id)
        if artifacts is None:
            self.other().log_text(run_id, text, artifact_file)
        else:
            artifacts.upload(text.encode(), artifact_file, "text/plain; charset=utf-8")

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str) -> None:
        """Store a file in the directory `artifact_path` of a run's artifacts."""
        artifacts, file = self._artifacts(run_id), Path(local_path)
        if artifacts is None:
            self.other().log_artifact(run_id, local_path, artifact_path)
        else:
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            artifacts.upload(file, f"{artifact_path}/{file.name}", kind)

    def list_artifacts(self, run_id: str, path: str) -> list[Any]:
        """The artifacts in a directory of a run; [] where there is none."""
        artifacts = self._artifacts(run_id)
        return list(self.other().list_artifacts(run_id, path)) if artifacts is None else artifacts.names(path)

    def download_artifacts(self, run_id: str, path: str, dst_path: str) -> str:
        """Copy a directory of a run's artifacts below `dst_path`, and return the copy."""
        artifacts = self._artifacts(run_id)
        if artifacts is None:
            return str(self.other().download_artifacts(run_id, path, dst_path))
        return str(artifacts.download(Path(dst_path) / path, path))

    # the registered model and its versions

    def get_registered_model(self, name: str) -> RegisteredModel:
        """The registered model of that name."""
        return RegisteredModel.parse(self._get("registered-models/get", name=name)["registered_model"])

    def create_registered_model(self, name: str) -> None:
        """Create a registered model."""
        self._post("registered-models/create", name=name)

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of a registered model."""
        self._post("registered-models/set-tag", name=name, key=key, value=value)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias at a version."""
        self._post("registered-models/alias", name=name, alias=alias, version=version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        self.http.json("DELETE", "mlflow/registered-models/alias", {"name": name, "alias": alias})

    def search_model_versions(self, filter_string: str) -> list[ModelVersion]:
        """All versions that the filter selects."""
        found: list[ModelVersion] = []
        page: dict[str, str] = {}
        while True:
            answer = self._get("model-versions/search", filter=filter_string, max_results=VERSIONS, **page)
            found += [ModelVersion.parse(one) for one in answer.get("model_versions") or []]
            if not answer.get("next_page_token"):
                return found
            page = {"page_token": answer["next_page_token"]}

    def create_model_version(self, name: str, source: str, run_id: str, model_id: str) -> ModelVersion:
        """Create a version from the logged model `model_id` of a run."""
        found = self._post("model-versions/create", name=name, source=source, run_id=run_id, model_id=model_id)
        return ModelVersion.parse(found["model_version"])

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        """A version of a registered model."""
        return ModelVersion.parse(self._get("model-versions/get", name=name, version=version)["model_version"])

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._post("model-versions/set-tag", name=name, version=version, key=key, value=value)
