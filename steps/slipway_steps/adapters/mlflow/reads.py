"""Requests that only read, for performance tests of MLflow: each is sent once, and never repeated."""

from collections.abc import Mapping

import requests

from slipway_steps.adapters.connection_pool import pool_numbers
from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.adapters.mlflow.http_session import HttpSession, is_enough_for
from slipway_steps.adapters.retry import reason_of
from slipway_steps.domain.errors import BadInput, RegistryError
from slipway_steps.settings import Settings

MOST = 100
"""Objects that a list asks for: a page of MLflow's own UI has up to 100."""
READS = {
    "registry/experiments": ("experiments/search", "search_experiments"),
    "registry/models": ("registered-models/search", "search_registered_models"),
    "registry/versions": ("model-versions/search", "search_model_versions"),
}
"""Operation -> the path of a server's REST API, and the method of MLflow's client on a database of this machine."""


class MlflowReads:
    """Reads MLflow: its server by HTTP, or the database under `home`, which has to exist."""

    def __init__(self, settings: Settings) -> None:
        self.connection = MlflowConnection(settings)
        self._http: HttpSession | None = None
        if settings.tracking_uri:
            if not is_enough_for(settings):
                raise BadInput(
                    "RANDOM_GETS can ask an MLflow server without a login, or with a token or a password",
                    "set SLIPWAY_TRACKING_URI to http(s)://...",
                )
            self._http = HttpSession(settings, patient=False)

    @property
    def operations(self) -> list[str]:
        """The names of the requests; none where there is no MLflow yet."""
        return [] if self.connection.is_new else list(READS)

    def get(self, operation: str) -> int:
        """Send one request and read all of its answer; returns the HTTP status. Raises RegistryError for no answer."""
        path, method = READS[operation]
        if self._http is None:
            return self._query(method)
        try:
            answer = self._http.session.get(
                f"{self._http.base}/api/2.0/mlflow/{path}",
                params={"max_results": MOST},
                timeout=self._http.timeout,
                verify=self._http.verify,
            )
        except requests.RequestException as error:
            raise RegistryError(f"MLflow at {self.connection.shown_uri}: no answer: {reason_of(error)}") from error
        return int(answer.status_code)

    @translated
    def _query(self, method: str) -> int:
        list(getattr(self.connection.mlflow_client, method)(max_results=MOST))
        return 200

    def pool(self) -> Mapping[str, float]:
        """What the pool of connections to the server has done; empty where there is no server."""
        if self._http is None:
            return {}
        adapter = self._http.session.get_adapter(self._http.base)
        return pool_numbers(adapter.poolmanager)  # type: ignore[attr-defined]  # that of requests' own adapter
