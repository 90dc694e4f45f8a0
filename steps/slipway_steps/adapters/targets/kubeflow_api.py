"""Calls of the API of Kubeflow Pipelines (v2beta1), by its official client: the extra `kfp`."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from urllib3.exceptions import HTTPError

from slipway_steps.adapters.connection_pool import pool_numbers
from slipway_steps.adapters.retry import AGAIN, USUAL, Again, RetryPolicy, retry_after
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.domain.perf_scenario import MOST_AT_ONCE
from slipway_steps.settings import Settings

PAGE = 200
"""Objects of one answer; the largest that the server gives."""
HINT = "see SLIPWAY_KFP_URL and SLIPWAY_KFP_TOKEN"
NO_ANSWER = (HTTPError, OSError)
NO_SENSE = (ValueError, AttributeError)
"""What the client raises for an answer that is not one of the API, and for a certificate that it does not trust."""


class Absent(PlatformError):
    """There is no such object."""


class Taken(PlatformError):
    """There is an object of that name already."""


class KubeflowApi:
    """The API that the settings name. Raises BadInput where none is named, or where its client is not installed."""

    def __init__(self, settings: Settings, retry: RetryPolicy = USUAL) -> None:
        try:
            import kfp_server_api
        except ImportError as error:
            raise BadInput("the client of Kubeflow Pipelines is not installed", "pip install 'slipway[kfp]'") from error
        if not settings.kfp_url:
            raise BadInput("no Kubeflow Pipelines is named", "set SLIPWAY_KFP_URL")
        self.url = settings.kfp_url.rstrip("/")
        self.retry = retry
        configuration = kfp_server_api.Configuration(host=self.url)
        configuration.retries = False  # by itself the client would send a request that is measured twice
        configuration.connection_pool_maxsize = MOST_AT_ONCE  # else those of more runs are opened again and again
        if token := settings.kfp_token.get_secret_value():
            configuration.api_key = {"authorization": token}
            configuration.api_key_prefix = {"authorization": "Bearer"}
        self.models: Any = kfp_server_api
        self.client: Any = kfp_server_api.ApiClient(configuration)
        self.runs: Any = kfp_server_api.RunServiceApi(self.client)
        self.recurring: Any = kfp_server_api.RecurringRunServiceApi(self.client)
        self.experiments: Any = kfp_server_api.ExperimentServiceApi(self.client)
        self.health: Any = kfp_server_api.HealthzServiceApi(self.client)
        # to connect, and for each read: the client takes one number only if it is an int, and waits forever else
        self.timeout = (settings.kubernetes_timeout, settings.kubernetes_timeout)

    def send(self, what: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Send one request, once: one that starts a run would else start two, and one that is timed is not to be sent
        twice. Status 400 is BadInput, any other failure PlatformError.
        """
        return self._translated(what, lambda: self._sent(call, *arguments, **named), BadInput)

    def ask(self, what: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Send a request that makes nothing twice: it reads, ends or deletes something, or makes what has a name that
        is taken then. It is sent again where that may help. Raises PlatformError.
        """

        def once() -> Any:
            try:
                return self._sent(call, *arguments, **named)
            except self.models.ApiException as error:
                if error.status in AGAIN:
                    raise Again(f"status {error.status} {error.reason}", retry_after(error.headers)) from error
                raise
            except NO_ANSWER as error:
                raise Again(f"{type(error).__name__}: {str(error)[:200]}") from error

        return self._translated(what, lambda: self.retry.call(once), PlatformError)

    def _sent(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return call(*arguments, _request_timeout=self.timeout, **named)

    def _translated(self, what: str, question: Callable[[], Any], refused: type[BadInput | PlatformError]) -> Any:
        """The client's errors as ours; `refused`: what becomes of status 400."""
        try:
            return question()
        except Again as error:
            raise PlatformError(f"{what} failed: {error}", HINT) from error
        except self.models.ApiException as error:
            kind = {400: refused, 404: Absent, 409: Taken}.get(error.status, PlatformError)
            said = str(error.body or error.reason)[:300].replace("\n", " ")
            raise kind(f"{what} failed: status {error.status} {said}", HINT) from error
        except (*NO_ANSWER, *NO_SENSE) as error:
            message = f"{what} failed: {type(error).__name__}: {str(error)[:200]}"
            raise PlatformError(message, "does SLIPWAY_KFP_URL name Kubeflow Pipelines?") from error

    def all(self, kind: str, listing: Callable[..., Any], **given: str) -> Iterator[Any]:
        """All objects of a list, page by page. `kind`: the field of the answer that holds them."""
        token = ""
        while True:
            what = f"listing {kind} of Kubeflow Pipelines"
            page = self.ask(what, listing, page_size=PAGE, page_token=token, **given)
            yield from getattr(page, kind) or []
            token = page.next_page_token
            if not token:
                return

    def delete(self, what: str, call: Callable[..., Any], name: str) -> None:
        """Delete the object of that id; that it is gone already is no error."""
        try:
            self.ask(f"removing {what}", call, name)
        except Absent:
            return

    def version(self) -> str:
        """The version of the server: its tag, else its commit; "" where it tells none.

        It tells them beside what the definition of the API has of this answer, so the client would leave them out.
        """

        def question(**named: Any) -> Any:
            return json.loads(self.health.healthz_service_get_healthz(_preload_content=False, **named).data)

        told = self.ask("reading the version of Kubeflow Pipelines", question)
        found = [str(told.get(field) or "") for field in ("tag_name", "commit_sha")] if isinstance(told, dict) else []
        return next((one for one in found if one not in ("", "unknown")), "")

    def status(self, path: str, **query: str) -> int:
        """Send one GET, read all of its answer and return the HTTP status, whichever it is. It is not repeated: who
        measures how long an answer takes wants that one. Raises PlatformError where there was none.
        """
        headers: dict[str, str] = {}
        self.client.update_params_for_auth(headers, [], ["Bearer"])
        url, pool = f"{self.url}/apis/v2beta1/{path}", self.client.rest_client.pool_manager

        def question() -> int:
            return int(pool.request("GET", url, fields=query, headers=headers, timeout=self.timeout[0]).status)

        return int(self._translated(f"GET {path}", question, PlatformError))

    def pool(self) -> Mapping[str, float]:
        """What the pool of connections has done; empty before the first request."""
        return pool_numbers(self.client.rest_client.pool_manager)
