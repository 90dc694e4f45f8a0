"""Bytes of a run's pods from Prometheus: by what its API answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from slipway_steps.adapters.prometheus.query import Prometheus
from slipway_steps.domain.errors import PlatformError


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """Address, the queries that came, and what is answered by counter."""
    queries: list[str] = []
    values: dict[str, Any] = {}

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (query,) = parse_qs(urlsplit(self.path).query)["query"]
            queries.append(query)
            value = next((value for name, value in values.items() if name in query), None)
            result = [] if value is None else [{"metric": {}, "value": [1.0, str(value)]}]
            told = {"status": "success", "data": {"resultType": "vector", "result": result}}
            data = json.dumps(values.get("answer", told)).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", queries, values
    server.shutdown()
    server.server_close()


def test_what_was_scraped_is_measured_and_the_rest_is_absent(asked: Any) -> None:
    url, queries, values = asked
    values |= {"network_receive": 4096, "fs_writes": 0}
    found = Prometheus(url).bytes_of("slipway-perf", "perf-a.b-", 100.0, 160.5)
    assert found == {"network-received": 4096, "storage-written": 0}
    label = 'namespace="slipway-perf",pod=~"perf\\\\-a\\\\.b\\\\-.*"'
    assert f"sum(max_over_time(container_network_receive_bytes_total{{{label}}}[121s]))" in queries
    for counter in ("reads", "writes"):
        named = f'sum(max_over_time(container_fs_{counter}_bytes_total{{{label},container!=""}}[121s]))'
        assert named in queries, "else the pod's own series is added to those of its containers"


def test_a_refusal_and_an_outage_are_one_line(asked: Any) -> None:
    url, _, values = asked
    values["answer"] = {"status": "error", "error": "parse error"}
    for address in (url, "http://127.0.0.1:9"):
        with pytest.raises(PlatformError) as raised:
            Prometheus(address).bytes_of("n", "p-", 0, 1)
        assert "\n" not in str(raised.value)
