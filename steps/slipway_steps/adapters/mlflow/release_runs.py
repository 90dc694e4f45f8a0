"""The run of a release in MLflow: there is one for each, with its model.tar.gz, its reports and its HTML page."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.run_address import RunAddress
from slipway_steps.settings import Settings

RELEASE_TAG = "slipway.release"
ARCHIVE, ARCHIVE_TAG = "archive", "slipway.model_archive"
"""The directory of the run with its model.tar.gz, and the tag with the SHA-256 of that file."""


class ReleaseRuns:
    """The part of MlflowRegistry that finds and makes runs."""

    def __init__(self, settings: Settings) -> None:
        self.connection = MlflowConnection(settings)

    def _known_run(self, release: str) -> str | None:
        """The id of a release's run, or None. Creates nothing."""
        wanted = f"tags.`{RELEASE_TAG}` = '{quoted(release)}'"
        experiment = None if self.connection.is_new else self.connection.known_experiment()
        if experiment is None:
            return None
        runs = self.connection.client.search_runs([experiment], wanted, max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def _run(self, release: str) -> str:
        """The id of a release's run, which is created if it is missing."""
        known = self._known_run(release)
        if known is not None:
            return known
        made = self.connection.client.create_run(
            self.connection.experiment, run_name=release, tags={RELEASE_TAG: release}
        )
        return str(made.info.run_id)

    @translated
    def run_address(self, release: str) -> RunAddress | None:
        """Where the release's run is; None where it has none."""
        run = self._known_run(release)
        return RunAddress(self.connection.experiment, run) if run else None

    @translated
    def save_page(self, release: str, page: Path) -> RunAddress:
        """Store a file under `report/` of the release's run."""
        run = self._run(release)
        self.connection.client.log_artifact(run, str(page), "report")
        return RunAddress(self.connection.experiment, run)

    def _log_archive(self, run_id: str, package: Path) -> None:
        """Store the model.tar.gz of a package."""
        from slipway_steps.adapters.mlflow.model_archive import write_archive

        with TemporaryDirectory() as directory:
            archive = write_archive(package, Path(directory))
            with archive.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            self.connection.client.log_artifact(run_id, str(archive), ARCHIVE)
        self.connection.client.set_tag(run_id, ARCHIVE_TAG, f"sha256:{digest}")

    @translated
    def download_archive(self, run_id: str, target: Path) -> Path | None:
        """The model.tar.gz of a run, copied under `target`; None where the run has none."""
        client = self.connection.client
        if not client.list_artifacts(run_id, ARCHIVE):
            return None
        target.mkdir(parents=True, exist_ok=True)
        (archive,) = Path(client.download_artifacts(run_id, ARCHIVE, str(target))).iterdir()
        return archive


def quoted(text: str) -> str:
    """The text for use inside the single quotes of an MLflow filter. A quote cannot be escaped there, so a text with
    one raises BadInput.
    """
    if "'" in text or "`" in text:
        raise BadInput(f"name {text!r} holds a quote", "use letters, digits and hyphens")
    return text
