"""MLflow: the registered model, its versions and aliases, the journal (tags on the registered model) and the evidence
(tags on model versions, reports in the release's run).
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from filelock import FileLock
from pydantic import ValidationError

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, Refused, RegistryError, SlipwayError
from slipway_steps.domain.evidence import Evidence
from slipway_steps.domain.journal import Record
from slipway_steps.domain.package import read_package
from slipway_steps.domain.verdict import Gate, GateReport
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

RELEASE_TAG = "slipway.release"
MODEL_NAME = "model"
"""Name of the logged model inside a run."""

P = ParamSpec("P")
T = TypeVar("T")


def translated(
    method: Callable[Concatenate["MlflowRegistry", P], T],
) -> Callable[Concatenate["MlflowRegistry", P], T]:
    """MLflow's and SQLAlchemy's exceptions become RegistryError, in one place."""

    @wraps(method)
    def call(self: "MlflowRegistry", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except SlipwayError:
            raise
        except Exception as error:
            what = method.__name__.replace("_", " ")
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise RegistryError(
                f"MLflow at {self.shown_uri}: {what} failed: {first[:300]}",
                "is the database or the server reachable, writable and intact?",
            ) from error

    return call


UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's error codes for a name or number that it does not have. Every other code says that MLflow itself failed."""


class MlflowRegistry:
    """ports.Registry on MLflow 3. Opened when it is first used: that takes about two seconds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.model = settings.model

    @property
    def shown_uri(self) -> str:
        """The tracking URI without a password."""
        scheme, _, rest = self.settings.mlflow_uri.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    @cached_property
    def client(self) -> "MlflowClient":
        """The opened client; the first one creates database, experiment and registered model."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
        import logging

        import mlflow
        from mlflow import MlflowClient

        for chatty in ("mlflow.store.db.utils", "mlflow.pyfunc", "alembic"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        if self.settings.tracking_uri:
            mlflow.set_tracking_uri(self.settings.mlflow_uri)
            return MlflowClient()
        directory = self.settings.home.resolve() / "mlflow"
        directory.mkdir(parents=True, exist_ok=True)
        # two processes that create the same database at the same time leave it half migrated
        with FileLock(directory / "create.lock"):
            mlflow.set_tracking_uri(self.settings.mlflow_uri)
            client = MlflowClient()
            client.search_experiments(max_results=1)
        return client

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment that holds the releases."""
        name = self.settings.experiment
        found = self.client.get_experiment_by_name(name)
        if found is None:
            local = None
            if not self.settings.tracking_uri:
                # the default would be ./mlruns of whatever directory this process runs in
                local = (self.settings.home.resolve() / "mlflow" / "artifacts").as_uri()
            try:
                return str(self.client.create_experiment(name, artifact_location=local))
            except Exception:
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    # runs

    def _run(self, release: str) -> str:
        runs = self.client.search_runs([self.experiment], f"tags.`{RELEASE_TAG}` = '{_quoted(release)}'", max_results=1)
        if runs:
            return str(runs[0].info.run_id)
        return str(self.client.create_run(self.experiment, run_name=release, tags={RELEASE_TAG: release}).info.run_id)

    @translated
    def log_package(self, release: str, package: Path) -> str:
        """See ports.Registry."""
        from slipway_steps.adapters.mlflow.packaged_model import log_model

        found = read_package(package)
        client, run_id = self.client, self._run(release)
        for name, value in found.params.items():
            client.log_param(run_id, name, value)
        now = int(time.time() * 1000)
        for epoch in found.history:
            for name, value in epoch.items():
                if name != "epoch":
                    client.log_metric(run_id, name, float(value), timestamp=now, step=int(epoch.get("epoch", 0)))
        for name, value in found.metrics.items():
            client.log_metric(run_id, name, float(value), timestamp=now)
        data = found.contract.training_data
        client.set_tag(run_id, "slipway.training_data", f"{data.name} {data.fingerprint}")
        client.set_tag(run_id, "slipway.model_uri", log_model(found, run_id, MODEL_NAME))
        return run_id

    def _model_uri(self, run_id: str) -> str:
        from mlflow.exceptions import MlflowException

        try:
            uri = self.client.get_run(run_id).data.tags.get("slipway.model_uri")
        except MlflowException as error:
            if error.error_code not in UNKNOWN:
                raise
            raise BadInput(f"MLflow has no run {run_id!r}", "name a run of train-model") from error
        if not uri:
            raise BadInput(f"run {run_id} has no packaged model", "name a run of train-model")
        return str(uri)

    @translated
    def download_package(self, run_id: str, target: Path) -> Path:
        """See ports.Registry."""
        from mlflow.artifacts import download_artifacts

        target.mkdir(parents=True, exist_ok=True)
        model = self.client.get_logged_model(self._model_uri(run_id).removeprefix("models:/"))
        uri = f"{model.artifact_location}/artifacts"
        # MLflow keeps an artifact under the name its directory happened to have
        (package,) = Path(download_artifacts(artifact_uri=uri, dst_path=str(target))).iterdir()
        return package

    # versions and aliases

    def _ensure_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_registered_model(self.model)
        except MlflowException as missing:
            if missing.error_code not in UNKNOWN:
                raise
            try:
                self.client.create_registered_model(self.model)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise

    @translated
    def register(self, run_id: str) -> str:
        """See ports.Registry."""
        self._ensure_model()
        uri = self._model_uri(run_id)
        for found in self.client.search_model_versions(f"name = '{_quoted(self.model)}'"):
            if found.run_id == run_id:
                return str(found.version)
        return str(self.client.create_model_version(self.model, uri, run_id=run_id).version)

    def _version(self, version: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_model_version(self.model, version)
        except MlflowException as error:
            if error.error_code not in UNKNOWN:
                raise
            raise BadInput(
                f"model {self.model} has no version {version!r}", "the versions are listed by: slipway ui"
            ) from error

    @translated
    def run_of(self, version: str) -> str:
        """See ports.Registry."""
        return str(self._version(version).run_id)

    @translated
    def candidate(self, version: str) -> Candidate:
        """See ports.Registry."""
        tags = self._version(version).tags
        if "slipway.digest" not in tags:
            raise Refused(
                f"version {version} has no image yet",
                f"build it with: slipway run build-container-image -p model-version={version}",
            )
        return Candidate(version=version, digest=tags["slipway.digest"], revision=tags.get("slipway.revision", ""))

    @translated
    def set_image(self, version: str, digest: str, revision: str) -> None:
        """See ports.Registry."""
        tags = self._version(version).tags
        for key, value in (("slipway.revision", revision), ("slipway.digest", digest)):
            if tags.get(key) != value:
                self.client.set_model_version_tag(self.model, version, key, value)
        for item in self.evidence(version):
            if item.gate is Gate.EVALUATION and item.digest != digest:
                self._write_evidence(item.model_copy(update={"digest": digest}))

    @translated
    def alias(self, name: str) -> str | None:
        """See ports.Registry."""
        from mlflow.exceptions import MlflowException

        try:
            aliases = self.client.get_registered_model(self.model).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return str(aliases[name]) if name in aliases else None

    @translated
    def set_alias(self, name: str, version: str) -> None:
        """See ports.Registry."""
        if self.alias(name) != version:
            self.client.set_registered_model_alias(self.model, name, version)

    @translated
    def delete_alias(self, name: str) -> None:
        """See ports.Registry."""
        if self.alias(name) is not None:
            self.client.delete_registered_model_alias(self.model, name)

    # the journal

    @translated
    def record(self, environment: Environment) -> Record:
        """See ports.Registry."""
        from mlflow.exceptions import MlflowException

        try:
            tags = self.client.get_registered_model(self.model).tags
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return Record()
            raise
        text = tags.get(f"slipway.journal.{environment}")
        try:
            return Record.model_validate_json(text) if text else Record()
        except ValidationError as error:
            raise RegistryError(
                f"the journal of {environment} (tag slipway.journal.{environment} of model {self.model}) is damaged",
                "mend or remove the tag in MLflow; nothing was changed",
            ) from error

    @translated
    def write_record(self, environment: Environment, record: Record) -> None:
        """See ports.Registry."""
        self._ensure_model()
        self.client.set_registered_model_tag(self.model, f"slipway.journal.{environment}", record.model_dump_json())

    # reports and evidence

    @translated
    def save_report(self, run_id: str | None, report: GateReport, files: Sequence[Path] = ()) -> None:
        """See ports.Registry."""
        run = run_id or self._run(report.release)
        self.client.log_text(run, report.model_dump_json(indent=1), f"reports/{report.gate}.json")
        for path in files:
            self.client.log_artifact(run, str(path), "reports")
        self.client.set_tag(run, f"slipway.verdict.{report.gate}", report.verdict.value)
        if report.candidate.version:
            self._write_evidence(_evidence(report))

    def _write_evidence(self, item: Evidence) -> None:
        key = f"slipway.evidence.{item.gate}"
        self.client.set_model_version_tag(self.model, item.version, key, item.model_dump_json())

    @translated
    def reports_of(self, run_id: str) -> list[GateReport]:
        """See ports.Registry."""
        if not self.client.list_artifacts(run_id, "reports"):
            return []
        with TemporaryDirectory() as directory:
            path = Path(self.client.download_artifacts(run_id, "reports", directory))
            found = [GateReport.model_validate_json(file.read_text()) for file in path.glob("*.json")]
        return sorted(found, key=lambda report: report.started_at)

    @translated
    def reports(self, release: str) -> list[GateReport]:
        """See ports.Registry."""
        return self.reports_of(self._run(release))

    @translated
    def report_files(self, release: str, target: Path) -> Path:
        """See ports.Registry."""
        target.mkdir(parents=True, exist_ok=True)
        return Path(self.client.download_artifacts(self._run(release), "reports", str(target)))

    @translated
    def evidence(self, version: str) -> list[Evidence]:
        """See ports.Registry."""
        tags = self._version(version).tags
        texts = (tags.get(f"slipway.evidence.{gate}") for gate in Gate)
        return [Evidence.model_validate_json(text) for text in texts if text]

    @translated
    def adopt_evaluation(self, run_id: str, version: str) -> None:
        """See ports.Registry."""
        for report in self.reports_of(run_id):
            if report.gate is Gate.EVALUATION:
                known = {item.gate: item for item in self.evidence(version)}.get(Gate.EVALUATION)
                digest = known.digest if known else ""
                self._write_evidence(_evidence(report).model_copy(update={"version": version, "digest": digest}))

    @translated
    def note(self, version: str, key: str, text: str) -> None:
        """See ports.Registry."""
        self.client.set_model_version_tag(self.model, version, f"slipway.{key}", text)


def _evidence(report: GateReport) -> Evidence:
    return Evidence(
        gate=report.gate,
        verdict=report.verdict,
        version=report.candidate.version,
        digest=report.candidate.digest,
        release=report.release,
        at=report.finished_at,
    )


def _quoted(text: str) -> str:
    """Text inside single quotes of an MLflow filter; a quote cannot be escaped there, so it is refused."""
    if "'" in text or "`" in text:
        raise BadInput(f"name {text!r} holds a quote", "use letters, digits and hyphens")
    return text
