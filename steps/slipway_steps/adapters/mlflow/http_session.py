"""HTTP requests to one MLflow server: credentials, retries, and errors with MLflow's error codes.

MLflow's own client is not used for them, because importing it takes two to three seconds in each pod.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from slipway_steps.adapters.retry import AGAIN, Again, RetryPolicy, reason_of, retry_after
from slipway_steps.settings import Settings

CONNECT = 5.0
"""Seconds to connect; a server in the same cluster takes milliseconds."""
FIRST_WAIT = 0.5
"""Seconds before the first repetition of a request."""
OTHERS = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_WORKSPACE")
"""Variables that ask for what only MLflow's own client can do."""


class MlflowError(Exception):
    """A request that failed. `error_code`: MLflow's own, such as RESOURCE_DOES_NOT_EXIST; "" where there is none."""

    def __init__(self, message: str, error_code: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code


def is_enough_for(settings: Settings) -> bool:
    """Whether this module can speak to the MLflow of the settings: it is a server, and no login is asked for that only
    MLflow's own client knows.
    """
    if urlsplit(settings.tracking_uri).scheme not in ("http", "https"):
        return False
    return not any(os.environ.get(name) for name in OTHERS) and not (Path.home() / ".mlflow" / "credentials").exists()


class HttpSession:
    """Requests to the MLflow server of the settings, with the credentials of MLflow's own environment variables.

    `patient`: whether it waits as long as the settings or MLflow's variables say; else it asks once, for a few seconds.
    """

    def __init__(self, settings: Settings, patient: bool = True) -> None:
        read, repeated = CONNECT, 0
        if patient:
            read = float(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", settings.mlflow_timeout))
            repeated = int(os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES", settings.mlflow_retries))
        self.base = settings.tracking_uri.rstrip("/")
        self.timeout = (min(CONNECT, read), read)
        self.retry = RetryPolicy(attempts=repeated + 1, first_wait=FIRST_WAIT)
        self.session = requests.Session()
        token, user = os.environ.get("MLFLOW_TRACKING_TOKEN"), os.environ.get("MLFLOW_TRACKING_USERNAME")
        if user:
            self.session.auth = (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))
        elif token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.session.cert = os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH")
        insecure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1")
        self.verify: bool | str = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or not insecure

    def json(self, method: str, path: str, values: dict[str, Any]) -> dict[str, Any]:
        """Call `/api/2.0/<path>` and return its answer. `values`: the query of a GET, else the body. Raises MlflowError
        for any answer but a JSON object of a success.
        """
        given: dict[str, Any] = {"params": values} if method == "GET" else {"json": values}
        found: dict[str, Any] = self.call(method, path, _object, None, **given)
        return found

    def call(
        self,
        method: str,
        path: str,
        read: Callable[[requests.Response], Any],
        data: Path | bytes | None = None,
        **more: Any,
    ) -> Any:
        """Call `/api/2.0/<path>` and return what `read` makes of its answer; both are repeated where that may help.
        `data`: the bytes to send, or the file that has them. Raises MlflowError.
        """

        def once() -> Any:
            body = data.open("rb") if isinstance(data, Path) else data
            try:
                answer = self.session.request(
                    method,
                    f"{self.base}/api/2.0/{path}",
                    data=body,
                    timeout=self.timeout,
                    verify=self.verify,
                    stream=True,
                    **more,
                )
                with answer:
                    if answer.status_code in AGAIN:
                        raise Again(_reason(answer), retry_after(answer.headers))
                    if not answer.ok:
                        raise MlflowError(_reason(answer), _error_code(answer))
                    return read(answer)
            except requests.exceptions.SSLError as error:
                raise MlflowError(f"its certificate is not trusted: {reason_of(error)}") from error
            except requests.RequestException as error:
                raise Again(f"no answer: {reason_of(error)}") from error
            finally:
                if isinstance(data, Path) and body is not None:
                    # for a Path it is the file that was opened above
                    body.close()  # type: ignore[union-attr]

        try:
            return self.retry.call(once)
        except Again as error:
            raise MlflowError(f"{error}; attempts: {self.retry.attempts}") from error


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise MlflowError("the answer is not one of MLflow: is this the address of an MLflow server?")
    return found


def _told(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except (ValueError, requests.RequestException):
        return {}
    return found if isinstance(found, dict) else {}


def _error_code(answer: requests.Response) -> str:
    return str(_told(answer).get("error_code", ""))


def _reason(answer: requests.Response) -> str:
    told = _told(answer)
    text = f"{told.get('error_code', '')}: {told.get('message', '')}" if told else answer.reason or ""
    return f"status {answer.status_code} {text}".strip()
