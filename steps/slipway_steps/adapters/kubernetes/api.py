"""Calls of the Kubernetes API: retried where that may help, and their errors in our words."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import kubernetes
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from slipway_steps.adapters.retry import AGAIN, USUAL, Again, RetryPolicy, retry_after
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

T = TypeVar("T")


class Conflict(PlatformError):
    """Somebody else changed the object since it was read; read it again."""


class Api:
    """The official client, connected by the pod's service account or the kubeconfig at its first use."""

    def __init__(self, settings: Settings, retry: RetryPolicy = USUAL) -> None:
        self.kubeconfig = settings.kubeconfig
        self.timeout = settings.kubernetes_timeout
        self.retry = retry
        self._client: Any = None

    def _connected(self) -> Any:
        if self._client is None:
            configuration = kubernetes.client.Configuration()
            try:
                try:
                    kubernetes.config.load_incluster_config(configuration)
                except ConfigException:
                    # without a name it would take what KUBECONFIG said when the client was imported
                    where = self.kubeconfig or "~/.kube/config"
                    kubernetes.config.load_kube_config(where, client_configuration=configuration)
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
        return self.ask(lambda client: json.loads(self._bytes(client, api, method, arguments, more)), what, absent)

    def text(self, api: str, method: str, *arguments: Any, what: str, **more: Any) -> str:
        """The text of an answer that is no JSON, as a log; else like `call`."""
        found = self.ask(lambda client: self._bytes(client, api, method, arguments, more), what)
        return (found or b"").decode(errors="replace")

    def _bytes(self, client: Any, api: str, method: str, arguments: tuple[Any, ...], more: dict[str, Any]) -> bytes:
        function: Callable[..., Any] = getattr(getattr(kubernetes.client, api)(client), method)
        answer = function(*arguments, _preload_content=False, _request_timeout=self.timeout, **more)
        found: bytes = answer.data
        return found

    def ask(self, question: Callable[[Any], T], what: str, absent: bool = False) -> T | None:
        """What `question` finds with the connected ApiClient, asked anew where that may help; else like `call`."""

        def once() -> T:
            try:
                return question(self._connected())
            except ApiException as error:
                if error.status in AGAIN:
                    reason = f"status {error.status} {error.reason}"
                    raise Again(reason, retry_after(error.headers)) from error
                if error.status == 401 and self._client is not None:
                    self._client = None  # tokens expire: read it again, once
                    raise Again("status 401: the token is not accepted", 0.0) from error
                raise
            except (HTTPError, OSError) as error:
                raise Again(f"{type(error).__name__}: {str(error)[:200]}") from error
            except ValueError as error:
                raise Again("the answer is cut off") from error

        try:
            return self.retry.call(once)
        except Again as error:
            raise PlatformError(f"{what} failed: {error}", "is the API server up? Run it again") from error
        except ApiException as error:
            if error.status == 404 and absent:
                return None
            if error.status == 409:
                raise Conflict(f"{what} failed: somebody else changed it", "run it again") from error
            hint = "the service account's role lacks that right" if error.status == 403 else "see the cluster's events"
            raise PlatformError(f"{what} failed: status {error.status} {_message(error)}", hint) from error


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
