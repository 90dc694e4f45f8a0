"""Calls of the Kubernetes API. They are retried where that may help, and their errors become PlatformError."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from slipway_steps.adapters.connection_pool import pool_numbers
from slipway_steps.adapters.kubernetes.connection import Connection, connect
from slipway_steps.adapters.retry import AGAIN, USUAL, Again, RetryPolicy, retry_after
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

MERGE_PATCH = "application/merge-patch+json"
T = TypeVar("T")


class Conflict(PlatformError):
    """Another client has changed the object since it was read, so it has to be read again."""


class Gone(PlatformError):
    """The server does not know any more what changed since then, so everything has to be read again."""


class Unavailable(PlatformError):
    """The server, or the part of it that was asked, was away for as long as it was asked."""


class Api:
    """A client of the API server. At its first use it connects with the pod's service account, else with the
    kubeconfig.

    In each method `path` is that of `paths.path_of`, `what` describes the call in messages, and `absent` asks for None
    where there is no such object. Each raises Conflict for status 409, Unavailable where no attempt was answered,
    PlatformError for any other failure.
    """

    def __init__(self, settings: Settings, retry: RetryPolicy = USUAL) -> None:
        self.kubeconfig = settings.kubeconfig
        self.timeout = settings.kubernetes_timeout
        self.retry = retry
        self._connection: Connection | None = None

    def token(self) -> str:
        """The value of the header Authorization (`Bearer ...`) that goes with each call; "" for a client certificate.

        Raises PlatformError where no cluster is configured.
        """
        self._connection = self._connection or connect(self.kubeconfig)
        return self._connection.authorization()

    def get(self, path: str, *, what: str, absent: bool = False, **query: str) -> Any:
        """The object, or the list, at `path`. `query`: such as `labelSelector`."""
        return self._json("GET", path, what, query=query, absent=absent)

    def post(self, path: str, body: Mapping[str, Any], *, what: str) -> Any:
        """Create an object in the list at `path`, and return it."""
        return self._json("POST", path, what, body)

    def put(self, path: str, body: Mapping[str, Any], *, what: str) -> Any:
        """Replace the object at `path`, and return it."""
        return self._json("PUT", path, what, body)

    def patch(self, path: str, body: Mapping[str, Any], *, what: str, kind: str = MERGE_PATCH, **query: str) -> Any:
        """Change the object at `path`, and return it. `kind`: the content type of the patch."""
        return self._json("PATCH", path, what, body, kind=kind, query=query)

    def delete(self, path: str, *, what: str, absent: bool = False, **query: str) -> Any:
        """Delete the object at `path`, and return what the server says. `query`: such as `propagationPolicy`."""
        return self._json("DELETE", path, what, query=query, absent=absent)

    def text(self, path: str, *, what: str, **query: str) -> str:
        """The text at `path`, such as a log."""
        found = self._ask(lambda: self._send("GET", path, None, "", query).decode(errors="replace"), what)
        return found or ""

    def status(self, path: str, **query: str) -> int:
        """Send one GET, read all of its answer and return the HTTP status, whichever it is. It is not repeated: who
        measures how long an answer takes wants that one. Raises Unavailable where there was none.
        """
        try:
            return int(self._request("GET", path, query=query).status)
        except (HTTPError, OSError) as error:
            raise Unavailable(f"GET {path} failed: {type(error).__name__}: {str(error)[:200]}") from error

    def pool(self) -> dict[str, float]:
        """What the pool of connections has done; empty before the first request."""
        return pool_numbers(self._connection.pool) if self._connection else {}

    @contextmanager
    def growing(self, path: str, *, what: str, seconds: float, **query: str) -> Iterator[Any]:
        """Send one GET whose answer grows, such as a watch, and yield it for `urllib3`'s `read1` and `shutdown`. It
        ends after `seconds` without a byte. Raises Gone for status 410, PlatformError for any other failure.
        """
        try:
            answer = self._request("GET", path, query=query, seconds=seconds, whole=False)
            try:
                if answer.status >= 300:
                    failed = _Failed(answer.status, answer.reason or "", answer.read(), answer.headers)
                    kind = Gone if answer.status == 410 else Unavailable if answer.status in AGAIN else PlatformError
                    raise kind(f"{what} failed: status {answer.status} {failed.told()}")
                yield answer
            finally:
                answer.close()
        except (HTTPError, OSError) as error:
            raise Unavailable(f"{what} was cut off: {type(error).__name__}: {str(error)[:200]}") from error

    def _json(
        self,
        method: str,
        path: str,
        what: str,
        body: Mapping[str, Any] | None = None,
        *,
        kind: str = "application/json",
        query: Mapping[str, str] | None = None,
        absent: bool = False,
    ) -> Any:
        return self._ask(lambda: json.loads(self._send(method, path, body, kind, query or {})), what, absent)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, kind: str, query: Mapping[str, str]
    ) -> bytes:
        """Send one request and return the body of its answer. Raises _Failed for an answer that is no success."""
        answer = self._request(method, path, body, kind, query)
        if answer.status >= 300:
            raise _Failed(answer.status, answer.reason or "", answer.data, answer.headers)
        data: bytes = answer.data
        return data

    def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        kind: str = "",
        query: Mapping[str, str] | None = None,
        *,
        seconds: float | None = None,
        whole: bool = True,
    ) -> Any:
        """The answer to one request. `seconds`: for each read of it; None: for all. `whole`: it is read at once."""
        self._connection = connection = self._connection or connect(self.kubeconfig)
        headers = {"Accept": "application/json, */*", "User-Agent": "slipway"}
        authorization = connection.authorization()
        if authorization:
            headers["Authorization"] = authorization
        if body is not None:
            headers["Content-Type"] = kind
        timeout = urllib3.Timeout(total=self.timeout) if seconds is None else urllib3.Timeout(self.timeout, seconds)
        return connection.pool.request(
            method,
            f"{connection.host}{path}{'?' if query else ''}{urlencode(query or {})}",
            body=None if body is None else json.dumps(body),
            headers=headers,
            timeout=timeout,
            preload_content=whole,
        )

    def _ask(self, question: Callable[[], T], what: str, absent: bool = False) -> T | None:
        """Call `question` and return its result. It is called again where a retry may help. `absent`: return None for
        status 404.
        """

        def once() -> T:
            try:
                return question()
            except _Failed as error:
                if error.status in AGAIN:
                    raise Again(f"status {error.status} {error.reason}", retry_after(error.headers)) from error
                if error.status == 401 and self._connection is not None:
                    self._connection = None  # tokens expire: connect again, once
                    raise Again("status 401: the token is not accepted", 0.0) from error
                raise
            except SSLError as error:
                raise PlatformError(
                    f"{what} failed: {error}", "is the certificate of the API server trusted?"
                ) from error
            except (HTTPError, OSError) as error:
                raise Again(f"{type(error).__name__}: {str(error)[:200]}") from error
            except ValueError as error:
                raise Again("the answer is cut off") from error

        try:
            return self.retry.call(once)
        except Again as error:
            raise Unavailable(f"{what} failed: {error}", "is the API server up? Run it again") from error
        except _Failed as error:
            if error.status == 404 and absent:
                return None
            if error.status == 409:
                raise Conflict(f"{what} failed: somebody else changed it", "run it again") from error
            hint = "the service account's role lacks that right" if error.status == 403 else "see the cluster's events"
            raise PlatformError(f"{what} failed: status {error.status} {error.told()}", hint) from error


class _Failed(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(f"status {status} {reason}")
        self.status = status
        self.reason = reason
        self.body = body
        self.headers = headers

    def told(self) -> str:
        """What the server says about it."""
        try:
            return str(json.loads(self.body)["message"])
        except (TypeError, ValueError, KeyError):
            return self.reason
