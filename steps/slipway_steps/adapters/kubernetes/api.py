"""Calls of the Kubernetes API. They are retried where that may help, and their errors become PlatformError."""

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
    """Another client has changed the object since it was read, so it has to be read again."""


class Unavailable(PlatformError):
    """The server, or the part of it that was asked, was away for as long as it was asked."""


class Api:
    """The official Kubernetes client. At its first use it connects with the pod's service account, else with the
    kubeconfig.
    """

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
                    # without a path, the client uses the KUBECONFIG of the time when it was imported
                    where = self.kubeconfig or "~/.kube/config"
                    kubernetes.config.load_kube_config(where, client_configuration=configuration)
            except (ConfigException, OSError) as error:
                raise PlatformError(f"no cluster is configured: {error}", "check KUBECONFIG") from error
            except (AttributeError, KeyError, TypeError, ValueError, YAMLError) as error:
                # the client does not check the file that it reads
                what = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise PlatformError(f"the kubeconfig cannot be used: {what}", "check KUBECONFIG") from error
            configuration.retries = False  # this class does the retries itself
            self._client = kubernetes.client.ApiClient(configuration)
        return self._client

    def call(self, api: str, method: str, *arguments: Any, what: str, absent: bool = False, **more: Any) -> Any:
        """Call a method of the client and return the JSON of the answer. `api`: the name of a class of the client, such
        as CoreV1Api; `what`: describes the call in messages; `absent`: return None for status 404.

        Raises Conflict for status 409, Unavailable where no attempt was answered, PlatformError for any other failure.
        """
        return self.ask(lambda client: json.loads(self._bytes(client, api, method, arguments, more)), what, absent)

    def text(self, api: str, method: str, *arguments: Any, what: str, **more: Any) -> str:
        """Like `call`, for an answer that is text and not JSON, such as a log."""
        found = self.ask(lambda client: self._bytes(client, api, method, arguments, more), what)
        return (found or b"").decode(errors="replace")

    def _bytes(self, client: Any, api: str, method: str, arguments: tuple[Any, ...], more: dict[str, Any]) -> bytes:
        function: Callable[..., Any] = getattr(getattr(kubernetes.client, api)(client), method)
        answer = function(*arguments, _preload_content=False, _request_timeout=self.timeout, **more)
        found: bytes = answer.data
        return found

    def ask(self, question: Callable[[Any], T], what: str, absent: bool = False) -> T | None:
        """Call `question` with the connected ApiClient and return its result. It is called again where a retry may
        help. `what`, `absent` and the errors are those of `call`.
        """

        def once() -> T:
            try:
                return question(self._connected())
            except ApiException as error:
                if error.status in AGAIN:
                    reason = f"status {error.status} {error.reason}"
                    raise Again(reason, retry_after(error.headers)) from error
                if error.status == 401 and self._client is not None:
                    self._client = None  # tokens expire: connect again, once
                    raise Again("status 401: the token is not accepted", 0.0) from error
                raise
            except (HTTPError, OSError) as error:
                raise Again(f"{type(error).__name__}: {str(error)[:200]}") from error
            except ValueError as error:
                raise Again("the answer is cut off") from error

        try:
            return self.retry.call(once)
        except Again as error:
            raise Unavailable(f"{what} failed: {error}", "is the API server up? Run it again") from error
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
