"""Sends requests to the served application over HTTP."""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import requests

from slipway_steps.domain.answer import Answer
from slipway_steps.domain.errors import AppError, HostUnknown


class AppClient:
    """Implements ports.App over HTTP. `timeout`: seconds to connect, and for each read."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url = url
        self.timeout = timeout
        self.session = requests.Session()
        self.session.trust_env = False  # there is no proxy between a step and a Service

    def _ask(self, method: str, path: str, **content: Any) -> Answer:
        started = time.perf_counter()
        try:
            answer = self.session.request(
                method, f"{self.url}{path}", timeout=self.timeout, allow_redirects=False, **content
            )
            text = answer.text
        except requests.RequestException as error:
            if not self._resolves():
                host = urlsplit(self.url).hostname
                raise HostUnknown(
                    f"{method} {self.url}{path} was not asked: the name {host} does not resolve",
                    "a Service's name resolves inside of its cluster alone: slipway doctor --cluster",
                ) from error
            raise AppError(
                f"{method} {self.url}{path} got no answer: {_reason(error)}", "is the app running? slipway status"
            ) from error
        spent = (time.perf_counter() - started) * 1000
        try:
            body = answer.json()
        except ValueError:
            body = None
        return Answer(answer.status_code, body if isinstance(body, dict) else None, text, spent)

    def _resolves(self) -> bool:
        where = urlsplit(self.url)
        try:
            socket.getaddrinfo(where.hostname, where.port)
        except OSError:
            return False
        return True

    def version(self) -> Answer:
        """GET /version. Raises AppError where the app cannot be reached."""
        return self._ask("GET", "/version")

    def predict(self, image_png: bytes) -> Answer:
        """POST /predict with one image. Raises AppError where the app cannot be reached."""
        return self._ask("POST", "/predict", files={"image": ("image.png", image_png, "image/png")})

    def test(self) -> Answer:
        """GET /test: the app predicts its own bundled samples. Raises AppError where the app cannot be reached."""
        return self._ask("GET", "/test")


class HttpApps:
    """Implements ports.Apps over HTTP."""

    def at(self, url: str, timeout: float = 10.0) -> AppClient:
        """A client of the app at a base URL. `timeout`: seconds to connect, and for each read."""
        return AppClient(url, timeout)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "connection refused or lost"
    return type(error).__name__
