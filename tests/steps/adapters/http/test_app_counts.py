"""What an app says that it has answered."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slipway_steps.adapters.http.app_counts import read_counts
from slipway_steps.domain.errors import AppError

METRICS = """\
# HELP http_requests_total Requests by path and status.
# TYPE http_requests_total counter
http_requests_total{path="/predict",status="200"} 90.0
http_requests_total{path="/predict",status="400"} 6.0
http_requests_total{path="/predict",status="500"} 3.0
http_requests_total{path="/predict",status="503"} 1.0
http_requests_total{path="/healthz",status="500"} 50.0
# HELP http_request_duration_seconds Seconds from request to answer, by path.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05",path="/predict"} 40.0
http_request_duration_seconds_bucket{le="0.1",path="/predict"} 95.0
http_request_duration_seconds_bucket{le="+Inf",path="/predict"} 100.0
http_request_duration_seconds_bucket{le="0.05",path="/healthz"} 50.0
http_request_duration_seconds_bucket{le="+Inf",path="/healthz"} 50.0
http_request_duration_seconds_count{path="/predict"} 100.0
http_request_duration_seconds_sum{path="/predict"} 5.0
# HELP predictions_total Predictions by label.
# TYPE predictions_total counter
predictions_total{label="seven"} 60.0
predictions_total{label="a \\"b\\""} 30.0
# HELP process_start_time_seconds Start time.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79e+09
"""


class Answer(BaseHTTPRequestHandler):
    body, status = METRICS, 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body.encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_only_predictions_count(address: str) -> None:
    found = read_counts(address)
    assert (found.requests, found.errors) == (100, 4)
    assert found.latencies == {0.05: 40, 0.1: 95}
    assert found.labels == {"seven": 60, 'a "b"': 30}
    assert found.started == (1.79e9,)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [("<html>", 200, "cannot be read"), ("http_requests_total{", 200, "cannot be read"), ("", 503, "503")],
)
def test_what_is_no_app_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch, body: str, status: int, said: str
) -> None:
    monkeypatch.setattr(Answer, "body", body)
    monkeypatch.setattr(Answer, "status", status)
    with pytest.raises(AppError, match=said):
        read_counts(address)


def test_an_app_that_is_gone_is_named() -> None:
    with pytest.raises(AppError, match=r"127\.0\.0\.1:9/metrics failed"):
        read_counts("http://127.0.0.1:9")
