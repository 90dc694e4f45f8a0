"""Serves the health of an installation over HTTP: for probes of Kubernetes, for Prometheus, for people."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.health import ORDER, HealthReport, HealthState

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

KEPT = 30.0
"""Seconds for which a report is kept: a scrape each few seconds must not write to MLflow each time."""
Answer = tuple[str, str, bytes]
"""Status line, content type and body."""


class HealthServer:
    """A WSGI application.

    /livez answers as long as this process does, /readyz once there is a report, /health with the report as JSON and
    status 503 where it is unhealthy, /metrics for Prometheus.
    """

    def __init__(self, check: Callable[[], HealthReport], kept: float = KEPT) -> None:
        self.check = check
        self.kept = kept
        self._lock = threading.Lock()
        self._report: HealthReport | None = None
        self._until = 0.0

    def report(self) -> HealthReport:
        """The report, at most `kept` seconds old. Those who ask at the same time wait for one check."""
        with self._lock:
            if self._report is None or time.monotonic() >= self._until:
                self._report = self.check()
                self._until = time.monotonic() + self.kept
            return self._report

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        status, kind, body = self._answer(environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", ""))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", "text/plain", b"only GET\n"
        if path == "/livez":
            return "200 OK", "text/plain", b"ok\n"
        if path == "/readyz":
            return "200 OK", "text/plain", f"{self.report().summary}\n".encode()
        if path == "/metrics":
            return _metrics(self.report())
        if path == "/health":
            report = self.report()
            status = "503 Service Unavailable" if report.overall is HealthState.UNHEALTHY else "200 OK"
            return status, "application/json", f"{json.dumps(as_json(report))}\n".encode()
        return "404 Not Found", "text/plain", b"see /health, /metrics, /livez, /readyz\n"


def as_json(report: HealthReport) -> dict[str, object]:
    """The report as `slipway health-check --output json` prints it."""
    return {"overall": report.overall, **report.model_dump(mode="json")}


def _metrics(report: HealthReport) -> Answer:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    state = Gauge(
        "slipway_health_state", "2 healthy, 1 degraded, 0 unhealthy, by component.", ["component"], registry=registry
    )
    seconds = Gauge("slipway_health_seconds", "How long the probe took.", ["component"], registry=registry)
    Gauge("slipway_health_checked_timestamp_seconds", "When it was checked.", registry=registry).set(report.checked)
    for one in report.components:
        state.labels(one.component).set(ORDER.index(one.state))
        seconds.labels(one.component).set(one.seconds)
    return "200 OK", "text/plain; version=0.0.4; charset=utf-8", generate_latest(registry)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10
    """Seconds after which a connection that sends nothing is closed."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Probes come every few seconds; only what fails is of interest, and the report tells that."""


def make_http_server(application: HealthServer, host: str, port: int) -> WSGIServer:
    """A server that is bound already; `serve_forever` runs it. Raises BadInput where the port is taken."""
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise BadInput(f"{host}:{port} cannot be bound: {error}", "choose another one with --port") from error
