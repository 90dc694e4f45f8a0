"""Models, versions and aliases in MLflow, the journal (tags on the registered model) and the evidence (tags on model
versions, and reports in the release's run).
"""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from slipway_steps.adapters.mlflow.connection import error_code, translated
from slipway_steps.adapters.mlflow.release_runs import ReleaseRuns, quoted
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, Refused, RegistryError
from slipway_steps.domain.evidence import Evidence, evidence_of
from slipway_steps.domain.journal import Record
from slipway_steps.domain.package import read_package
from slipway_steps.domain.verdict import PACKAGE_GATES, Gate, GateReport
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from slipway_steps.adapters.mlflow.entities import RegisteredModel
    from slipway_steps.adapters.mlflow.rest_client import RestClient

MODEL_NAME = "model"
"""Name of the logged model inside a run."""
UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's error codes for an unknown name or number. Any other code means that MLflow itself failed."""


class MlflowRegistry(ReleaseRuns):
    """Implements ports.Registry with MLflow 3. Methods that only read create neither a database nor a run."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.model = settings.model

    @property
    def client(self) -> "MlflowClient | RestClient":
        """What MLflow is asked through."""
        return self.connection.client

    def reach(self) -> None:
        """Raises RegistryError at once where MLflow is a server that does not answer."""
        self.connection.reach()

    # runs

    @translated
    def prepare_log(self) -> None:
        """Connect, make the experiment if it is missing, and import what logging a model needs."""
        from slipway_steps.adapters.mlflow.packaged_model import prepare

        _ = self.connection.experiment, self.connection.mlflow_client
        prepare()

    @translated
    def log_package(self, release: str, package: Path) -> str:
        """Log the packaged model, its parameters, metrics and history in the release's run, and its model.tar.gz where
        it has a handler. Returns the run's id.
        """
        from slipway_steps.adapters.mlflow.packaged_model import log_model

        found = read_package(package)
        client, run_id = self.connection.mlflow_client, self._run(release)
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
        if found.has_handler:
            self._log_archive(run_id, package)
        client.set_tag(run_id, "slipway.model_uri", log_model(found, run_id, MODEL_NAME))
        return run_id

    def _model_uri(self, run_id: str) -> str:
        if self.connection.is_new:
            raise BadInput(f"MLflow has no run {run_id!r}", "name a run of train-model")
        try:
            uri = self.client.get_run(run_id).data.tags.get("slipway.model_uri")
        except Exception as error:
            if error_code(error) not in UNKNOWN:
                raise
            raise BadInput(f"MLflow has no run {run_id!r}", "name a run of train-model") from error
        if not uri:
            raise BadInput(f"run {run_id} has no packaged model", "name a run of train-model")
        return str(uri)

    @translated
    def download_package(self, run_id: str, target: Path) -> Path:
        """Copy a run's packaged model under `target` and return its directory."""
        model_uri = self._model_uri(run_id)
        model = self.client.get_logged_model(model_uri.removeprefix("models:/"))
        target.mkdir(parents=True, exist_ok=True)
        # MLflow stores an artifact under the name of the directory that was logged, whatever it was
        (package,) = self.connection.download(f"{model.artifact_location}/artifacts", target).iterdir()
        return package

    # versions and aliases

    def _ensure_model(self) -> None:
        try:
            self.client.get_registered_model(self.model)
        except Exception as missing:
            if error_code(missing) not in UNKNOWN:
                raise
            try:
                self.client.create_registered_model(self.model)
            except Exception as error:
                if error_code(error) != "RESOURCE_ALREADY_EXISTS":
                    raise

    @translated
    def register(self, run_id: str) -> str:
        """The version of a run's model; it is created if no version belongs to the run yet."""
        self._ensure_model()
        uri = self._model_uri(run_id)
        for found in self.client.search_model_versions(f"name = '{quoted(self.model)}'"):
            if found.run_id == run_id:
                return str(found.version)
        model_id = uri.removeprefix("models:/")
        return str(self.client.create_model_version(self.model, uri, run_id=run_id, model_id=model_id).version)

    def _version(self, version: str) -> Any:
        unknown = BadInput(f"model {self.model} has no version {version!r}", "the versions are listed by: slipway ui")
        if self.connection.is_new:
            raise unknown
        try:
            return self.client.get_model_version(self.model, version)
        except Exception as error:
            if error_code(error) not in UNKNOWN:
                raise
            raise unknown from error

    @translated
    def run_of(self, version: str) -> str:
        """The id of the run that a version was made from. Raises BadInput for an unknown version."""
        return str(self._version(version).run_id)

    @translated
    def candidate(self, version: str) -> Candidate:
        """The candidate of a version, from the version's tags. Raises Refused where no image was built for it."""
        tags = self._version(version).tags
        if "slipway.digest" not in tags:
            raise Refused(
                f"version {version} has no image yet",
                f"build it with: slipway run build-container-image -p model-version={version}",
            )
        return Candidate(version=version, digest=tags["slipway.digest"], revision=tags.get("slipway.revision", ""))

    @translated
    def set_image(self, version: str, digest: str, revision: str) -> None:
        """Write digest and revision as tags of the version, and the digest into the evidence on its packaged model."""
        tags = self._version(version).tags
        for key, value in (("slipway.revision", revision), ("slipway.digest", digest)):
            if tags.get(key) != value:
                self.client.set_model_version_tag(self.model, version, key, value)
        for item in self.evidence(version):
            if item.gate in PACKAGE_GATES and item.digest != digest:
                self._write_evidence(item.model_copy(update={"digest": digest}))

    def _known_model(self) -> "RegisteredModel | None":
        """The registered model, or None. Creates nothing."""
        if self.connection.is_new:
            return None
        try:
            return self.client.get_registered_model(self.model)
        except Exception as error:
            if error_code(error) == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    @translated
    def alias(self, name: str) -> str | None:
        """The version that an alias points at, or None."""
        model = self._known_model()
        return str(model.aliases[name]) if model and name in model.aliases else None

    @translated
    def set_alias(self, name: str, version: str) -> None:
        """Point an alias at a version, unless it does already."""
        if self.alias(name) != version:
            self.client.set_registered_model_alias(self.model, name, version)

    @translated
    def delete_alias(self, name: str) -> None:
        """Remove an alias, if it exists."""
        if self.alias(name) is not None:
            self.client.delete_registered_model_alias(self.model, name)

    # the journal

    @translated
    def record(self, environment: Environment) -> Record:
        """The journal of an environment, from a tag of the registered model. Raises RegistryError for a damaged tag."""
        model = self._known_model()
        text = model.tags.get(f"slipway.journal.{environment}") if model else None
        try:
            return Record.model_validate_json(text) if text else Record()
        except ValidationError as error:
            raise RegistryError(
                f"the journal of {environment} (tag slipway.journal.{environment} of model {self.model}) is damaged",
                "correct or remove the tag in MLflow; nothing was changed",
            ) from error

    @translated
    def write_record(self, environment: Environment, record: Record) -> None:
        """Replace the journal of an environment, which is one tag of the registered model."""
        self._ensure_model()
        self.client.set_registered_model_tag(self.model, f"slipway.journal.{environment}", record.model_dump_json())

    # reports and evidence

    @translated
    def save_report(self, run_id: str | None, report: GateReport, files: Sequence[Path] = ()) -> None:
        """Store a report and its files under `reports/` of the run, and write the evidence of its version."""
        run = run_id or self._run(report.release)
        self.client.log_text(run, report.model_dump_json(indent=1), f"reports/{report.gate}.json")
        for path in files:
            self.client.log_artifact(run, str(path), "reports")
        self.client.set_tag(run, f"slipway.verdict.{report.gate}", report.verdict.value)
        if report.candidate.version:
            self._write_evidence(evidence_of(report))

    def _write_evidence(self, item: Evidence) -> None:
        key = f"slipway.evidence.{item.gate}"
        self.client.set_model_version_tag(self.model, item.version, key, item.model_dump_json())

    @translated
    def reports_of(self, run_id: str) -> list[GateReport]:
        """The reports in a run, in the order in which the gates started."""
        if not self.client.list_artifacts(run_id, "reports"):
            return []
        with TemporaryDirectory() as directory:
            path = Path(self.client.download_artifacts(run_id, "reports", directory))
            found = [GateReport.model_validate_json(file.read_text()) for file in path.glob("*.json")]
        return sorted(found, key=lambda report: report.started_at)

    @translated
    def reports(self, release: str) -> list[GateReport]:
        """The reports of a release; none where the release has no run."""
        run = self._known_run(release)
        return self.reports_of(run) if run else []

    @translated
    def evidence(self, version: str) -> list[Evidence]:
        """The evidence on a version, from the version's tags."""
        tags = self._version(version).tags
        texts = (tags.get(f"slipway.evidence.{gate}") for gate in Gate)
        return [Evidence.model_validate_json(text) for text in texts if text]

    @translated
    def adopt_reports(self, run_id: str, version: str) -> None:
        """Write the reports on the packaged model of a run as evidence of a version, and keep an image digest that is
        known already.
        """
        known = {item.gate: item.digest for item in self.evidence(version)}
        for report in self.reports_of(run_id):
            if report.gate in PACKAGE_GATES:
                adopted = {"version": version, "digest": known.get(report.gate, "")}
                self._write_evidence(evidence_of(report).model_copy(update=adopted))

    @translated
    def note(self, version: str, key: str, text: str) -> None:
        """Write a remark as tag `slipway.<key>` of a version."""
        self.client.set_model_version_tag(self.model, version, f"slipway.{key}", text)
