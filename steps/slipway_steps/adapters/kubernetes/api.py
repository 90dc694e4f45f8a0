"""Calls of the Kubernetes API: retried where that may help, and their errors in our words."""

import json
import os
from collections.abc import Callable
from typing import Any

import kubernetes
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

ATTEMPTS = 6
"""Tries of one call; with the waits below, some 15 s in all: a restart of an API server takes about ten."""
LONGEST_WAIT = 30.0
"""Seconds; a Retry-After that asks for more is cut to this."""
AGAIN = {408, 429, 500, 502, 503, 504}


class Conflict(PlatformError):
    """Somebody else changed the object since it was read; read it again."""


class _Again(Exception):
    """The same call may work later. `after`: seconds that the server asked to wait."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, _Again) else None
    return float(asked if asked is not None else min(0.25 * 2 ** (state.attempt_number - 1), 8.0))


def _after(error: ApiException) -> float | None:
    try:
        return min(float((error.headers or {}).get("Retry-After")), LONGEST_WAIT)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


class Api:
    """The official client, connected by the pod's service account or the kubeconfig at its first use."""

    def __init__(self, settings: Settings) -> None:
        self.timeout = settings.kubernetes_timeout
        self._client: Any = None

    def _connected(self) -> Any:
        if self._client is None:
            configuration = kubernetes.client.Configuration()
            try:
                try:
                    kubernetes.config.load_incluster_config(configuration)
                except ConfigException:
                    # the client reads KUBECONFIG when it is imported, which may be long ago
                    kubernetes.config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=configuration)
            except (ConfigException, OSError) as error:
                raise PlatformError(f"no cluster is configured: {error}", "check KUBECONFIG") from error
            except (AttributeError, KeyError, TypeError, ValueError, YAMLError) as error:
                # the client checks no file that it reads
                what = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise PlatformError(f"the kubeconfig cannot be used: {what}", "check KUBECONFIG") from error
            configuration.retries = False  # retried here, where it is said
            self._client = kubernetes.client.ApiClient(configuration)
        return self._client

    def call(self, api: str, method: str, *arguments: Any, what: str, absent: bool = False, **more: Any) -> Any:
        """The JSON of an answer. `api`: a class of the client (CoreV1Api); `what`: for messages.

        `absent`: 404 gives None. Raises Conflict for 409, PlatformError for anything else that failed.
        """
        return self._answer(json.loads, api, method, *arguments, what=what, absent=absent, **more)

    def text(self, api: str, method: str, *arguments: Any, what: str, **more: Any) -> str:
        """The text of an answer that is no JSON, as a log; else like `call`."""
        return str(self._answer(_text, api, method, *arguments, what=what, absent=False, **more))

    def _answer(
        self,
        read: Callable[[bytes], Any],
        api: str,
        method: str,
        *arguments: Any,
        what: str,
        absent: bool,
        **more: Any,
    ) -> Any:

        def once() -> Any:
            function: Callable[..., Any] = getattr(getattr(kubernetes.client, api)(self._connected()), method)
            try:
                answer = function(*arguments, _preload_content=False, _request_timeout=self.timeout, **more)
                return read(answer.data)
            except ApiException as error:
                if error.status in AGAIN:
                    raise _Again(f"status {error.status} {error.reason}", _after(error)) from error
                if error.status == 401 and self._client is not None:
                    self._client = None  # tokens expire: read it again, once
                    raise _Again("status 401: the token is not accepted", 0.0) from error
                raise
            except (HTTPError, OSError) as error:
                raise _Again(f"{type(error).__name__}: {str(error)[:200]}") from error
            except ValueError as error:
                raise _Again("the answer is cut off") from error

        retrying = Retrying(
            retry=retry_if_exception_type(_Again), stop=stop_after_attempt(ATTEMPTS), wait=_pause, reraise=True
        )
        try:
            return retrying(once)
        except _Again as error:
            raise PlatformError(f"{what} failed: {error}", "is the API server up? Run it again") from error
        except ApiException as error:
            if error.status == 404 and absent:
                return None
            if error.status == 409:
                raise Conflict(f"{what} failed: somebody else changed it", "run it again") from error
            hint = "the service account's role lacks that right" if error.status == 403 else "see the cluster's events"
            raise PlatformError(f"{what} failed: status {error.status} {_message(error)}", hint) from error


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
