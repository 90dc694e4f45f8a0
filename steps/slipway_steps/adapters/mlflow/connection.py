"""The connection to MLflow. It is opened when it is first used, and turns MLflow's exceptions into Slipway's.

A server is asked by its REST API. MLflow itself is imported only for what needs it: the database of this machine,
packaging a model, and a server with a login or an artifact store that only MLflow's own client knows.
"""

import gc
import importlib
import logging
import os
import socket
from collections.abc import Callable
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from slipway_steps.domain.errors import RegistryError, SlipwayError
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from slipway_steps.adapters.mlflow.rest_client import RestClient

CHATTY = ("mlflow", "mlflow.pyfunc", "alembic")
"""Loggers that report each migration and each file."""
LATE_IMPORTS = (
    "alembic.command",
    "mlflow.pyfunc",
    "mlflow.store.artifact.local_artifact_repo",
    "mlflow.store.db.utils",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.tracing.export",
    "mlflow.tracing.processor.otel",
    "mlflow.types",
    "sqlalchemy.dialects.sqlite",
)
"""Modules that MLflow itself imports only when it first opens a local database or logs a model."""

UNREACHABLE = "does SLIPWAY_TRACKING_URI name a running MLflow server?"

P = ParamSpec("P")
T = TypeVar("T")


class Connected(Protocol):
    """Any object that has a connection to MLflow."""

    connection: "MlflowConnection"


C = TypeVar("C", bound=Connected)


def translated(method: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """Decorates a method so that any exception of MLflow or SQLAlchemy becomes a RegistryError that names the
    method.
    """

    @wraps(method)
    def call(self: C, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except SlipwayError:
            raise
        except Exception as error:
            what = method.__name__.replace("_", " ")
            raise RegistryError(
                f"MLflow at {self.connection.shown_uri}: {what} failed: {_first_line(error)}",
                "is the database or the server reachable, writable and intact?",
            ) from error

    return call


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def error_code(error: Exception) -> str:
    """MLflow's code of an error of its own client or of its REST API; "" where it has none."""
    return str(getattr(error, "error_code", ""))


def quiet_mlflow() -> None:
    """Import MLflow, which takes one to three seconds, without its progress output and its telemetry."""
    # MLflow reads this variable once, when it is imported; without it, the import writes an identifier of this machine
    # into the user's home.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

    if not MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.is_set():
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.ERROR)
    # it logs the traceback of each error of the database, which is raised as well
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def preload_mlflow() -> None:
    """Import all of MLflow that a local release uses, so that it is not waited for later. Takes about three seconds.

    The garbage collector is off meanwhile: imports leave nothing to collect, and its rounds would take a fifth of the
    time.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        quiet_mlflow()
        for name in LATE_IMPORTS:
            importlib.import_module(name)
    finally:
        if collected:
            gc.enable()


class MlflowConnection:
    """The connection to one MLflow server, or to the database under `home`. Opening the latter takes two seconds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._directory = settings.home.resolve() / "mlflow"

    @property
    def shown_uri(self) -> str:
        """The tracking URI without a password."""
        scheme, _, rest = self.settings.mlflow_uri.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    @property
    def is_new(self) -> bool:
        """Whether the local database does not exist yet. A caller that only reads can then answer without creating
        it.
        """
        return not self.settings.tracking_uri and not (self._directory / "mlflow.db").exists()

    @property
    def client(self) -> "MlflowClient | RestClient":
        """What MLflow is asked through: its REST API for a server, else its own client. Raises RegistryError where the
        server's name does not resolve.
        """
        return self.rest or self.mlflow_client

    @cached_property
    def rest(self) -> "RestClient | None":
        """The REST API of the server; None where there is none, or where it needs MLflow's own client."""
        if not self.settings.tracking_uri:
            return None
        self._resolve()
        from slipway_steps.adapters.mlflow.http_session import HttpSession, is_enough_for

        if not is_enough_for(self.settings):
            return None
        from slipway_steps.adapters.mlflow.rest_client import RestClient

        return RestClient(HttpSession(self.settings), lambda: self.mlflow_client)

    def download(self, uri: str, target: Path) -> Path:
        """Copy the artifacts at an address into the directory `target`, and return the directory that has them."""
        if self.rest is not None:
            from slipway_steps.adapters.mlflow.proxied_artifacts import ProxiedArtifacts, are_proxied

            if are_proxied(uri):
                return ProxiedArtifacts(self.rest.http, uri).download(target)
        _ = self.mlflow_client  # sets the tracking URI, which the function below reads
        from mlflow.artifacts import download_artifacts

        return Path(download_artifacts(artifact_uri=uri, dst_path=str(target)))

    @cached_property
    def mlflow_client(self) -> "MlflowClient":
        """MLflow's own client. Its first use creates the local database."""
        self._resolve()
        if self.settings.tracking_uri:
            quiet_mlflow()
        else:
            preload_mlflow()
        import mlflow
        from mlflow import MlflowClient

        if self.settings.tracking_uri:
            self._bound()
            mlflow.set_tracking_uri(self.settings.mlflow_uri)
            return MlflowClient()
        self._create_database()
        mlflow.set_tracking_uri(self.settings.mlflow_uri)
        return MlflowClient()

    def _create_database(self) -> None:
        """Create the local database where there is none. It gets its name when it is complete, because MLflow cannot
        use one that a killed process has left half made.
        """
        from filelock import FileLock
        from mlflow import MlflowClient

        self._directory.mkdir(parents=True, exist_ok=True)
        database, partial = self._directory / "mlflow.db", self._directory / "mlflow.db.partial"
        with FileLock(self._directory / "create.lock"):
            if not database.exists():
                partial.unlink(missing_ok=True)
                MlflowClient(f"sqlite:///{partial}").search_experiments(max_results=1)
                partial.rename(database)

    def reach(self) -> None:
        """Ask the server once, so that a person learns of a wrong address at once. Raises RegistryError where it does
        not answer as MLflow does. Without a server, or with a login of its own kind, this asks nothing.
        """
        self._resolve()
        from slipway_steps.adapters.mlflow.http_session import HttpSession, MlflowError, is_enough_for

        if not is_enough_for(self.settings):
            return
        http = HttpSession(self.settings, patient=False)
        try:
            http.json("GET", "mlflow/experiments/get-by-name", {"experiment_name": self.settings.experiment})
        except MlflowError as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise RegistryError(f"MLflow at {self.shown_uri}: {_first_line(error)}", UNREACHABLE) from error

    def _resolve(self) -> None:
        """Raises RegistryError where the server's name does not resolve: MLflow would try for two minutes."""
        server = urlsplit(self.settings.tracking_uri)
        if server.scheme not in ("http", "https") or not server.hostname:
            return
        try:
            socket.getaddrinfo(server.hostname, server.port or server.scheme)
        except OSError as error:
            raise RegistryError(
                f"MLflow at {self.shown_uri}: the name {server.hostname} does not resolve",
                "a name of a cluster resolves inside of it alone: forward a port and set SLIPWAY_TRACKING_URI, or run "
                "the command with --cluster",
            ) from error

    def _bound(self) -> None:
        """Bounds what MLflow waits for, unless the user has set it; MLflow reads this at each request."""
        from mlflow import environment_variables as mlflow_settings

        if not mlflow_settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.is_set():
            mlflow_settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(self.settings.mlflow_retries)
        if not mlflow_settings.MLFLOW_HTTP_REQUEST_TIMEOUT.is_set():
            mlflow_settings.MLFLOW_HTTP_REQUEST_TIMEOUT.set(int(self.settings.mlflow_timeout))

    def known_experiment(self) -> str | None:
        """The id of the experiment that holds the releases; None where there is none yet."""
        found = self.client.get_experiment_by_name(self.settings.experiment)
        return str(found.experiment_id) if found is not None else None

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment that holds the releases; it is created if it is missing."""
        known = self.known_experiment()
        if known is not None:
            return known
        # the default would be ./mlruns of whatever directory this process runs in
        local = None if self.settings.tracking_uri else (self._directory / "artifacts").as_uri()
        try:
            return str(self.client.create_experiment(self.settings.experiment, artifact_location=local))
        except Exception:
            # another process may have made it meanwhile
            known = self.known_experiment()
            if known is None:
                raise
            return known
