"""Probes against a real server, with shorter times."""

import http.server
import threading
import time
from collections.abc import Iterator

import pytest

from slipway_steps.adapters.local.probes import LIVENESS_FAILURES, Probes, ProbeTiming

FAST = ProbeTiming(starting=0.01, running=0.01, timeout=0.2, startup=1.0)


class Server(http.server.ThreadingHTTPServer):
    """Answers 200, or 503 on the paths in `failing`."""

    failing: set[str]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(503 if self.path in self.server.failing else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    found.failing = set()
    threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def probes(server: Server) -> Iterator[Probes]:
    found = Probes(server.server_address[1], FAST)
    yield found
    found.stop()


def becomes(probes: Probes, ready: bool) -> bool:
    deadline = time.monotonic() + 5
    while probes.ready != ready and time.monotonic() < deadline:
        time.sleep(0.005)
    return probes.ready == ready


def test_ready_is_what_readyz_says(server: Server, probes: Probes) -> None:
    server.failing = {"/readyz"}
    probes.start()
    time.sleep(0.2)
    assert not probes.ready
    server.failing = set()
    assert becomes(probes, True)
    server.failing = {"/readyz"}
    assert becomes(probes, False)
    time.sleep(0.5)
    assert probes.failure == "", "an app that is not ready is not restarted"


def test_an_app_that_is_dead_for_long_enough_has_to_be_restarted(server: Server, probes: Probes) -> None:
    probes.start()
    assert becomes(probes, True)
    server.failing = {"/healthz"}
    deadline = time.monotonic() + 5
    while not probes.failure and time.monotonic() < deadline:
        time.sleep(0.005)
    assert f"{LIVENESS_FAILURES} times" in probes.failure


def test_an_app_that_never_comes_alive_has_to_be_restarted() -> None:
    probes = Probes(9, ProbeTiming(starting=0.01, startup=0.1)).start()
    deadline = time.monotonic() + 5
    while not probes.failure and time.monotonic() < deadline:
        time.sleep(0.005)
    assert "startup" in probes.failure
