"""Whether MLflow can be written and read now: a small write of each kind, which leaves nothing behind but one tag."""

import os
import secrets
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.adapters.mlflow.proxied_artifacts import ProxiedArtifacts, are_proxied
from slipway_steps.domain.errors import RegistryError
from slipway_steps.settings import Settings

TAG = "slipway.health"
"""The tag of the experiment of releases that is written."""
PREFIX = "slipway-health-"
"""What the names of files begin with that are written and deleted."""


class WriteCheck:
    """Writes to MLflow's database and artifacts, and reads what was written."""

    def __init__(self, settings: Settings) -> None:
        self.connection = MlflowConnection(settings)
        self.settings = settings

    @property
    def is_new(self) -> bool:
        """Whether there is nothing yet to be checked; checking would create it."""
        return self.connection.is_new

    @property
    def kind(self) -> str:
        """What holds the database: SQLite, or an MLflow server."""
        return "MLflow's server" if self.settings.tracking_uri else "SQLite"

    @translated
    def registry(self) -> float:
        """Write a tag of the experiment of releases, and read it; returns the seconds for both."""
        client, experiment = self.connection.client, self.connection.experiment
        written = secrets.token_hex(8)
        begin = time.perf_counter()
        client.set_experiment_tag(experiment, TAG, written)
        read = client.get_experiment(experiment).tags.get(TAG)
        seconds = time.perf_counter() - begin
        if read != written:
            raise RegistryError(
                f"MLflow at {self.connection.shown_uri} does not return what was written to it",
                "do several servers have databases of their own?",
            )
        return seconds

    @translated
    def artifacts(self, size: int) -> float:
        """Write a file of so many bytes where the artifacts of releases are, read it, and delete it; returns the
        seconds for all of it.
        """
        client = self.connection.client
        place = str(client.get_experiment(self.connection.experiment).artifact_location)
        content, name = os.urandom(size), f"{PREFIX}{secrets.token_hex(8)}"
        begin = time.perf_counter()
        if are_proxied(place) and self.connection.rest is not None:
            read = _through_server(ProxiedArtifacts(self.connection.rest.http, place), name, content)
        elif urlsplit(place).scheme in ("", "file"):
            read = _on_disk(Path(unquote(urlsplit(place).path)), name, content)
        else:
            raise RegistryError(
                f"the artifacts are at {urlsplit(place).scheme}://..., and not behind MLflow's server",
                "start it with --serve-artifacts, or watch that store by its own means",
            )
        if read != content:
            raise RegistryError("the artifact store does not return what was written to it", f"see {place}")
        return time.perf_counter() - begin


def _through_server(store: ProxiedArtifacts, name: str, content: bytes) -> bytes:
    store.upload(content, name, "application/octet-stream")
    try:
        return store.read(name)
    finally:
        store.delete(name)


def _on_disk(directory: Path, name: str, content: bytes) -> bytes:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
