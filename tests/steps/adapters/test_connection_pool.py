"""The numbers of a pool, over real connections."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from urllib3 import PoolManager

from slipway_steps.adapters.connection_pool import pool_numbers


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_requests_share_a_connection() -> None:
    manager = PoolManager(maxsize=3)
    assert pool_numbers(manager) == {}
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        for _ in range(2):
            manager.request("GET", f"http://127.0.0.1:{server.server_port}/")
        assert pool_numbers(manager) == {"requests": 2, "connections": 1, "connections kept": 3}
        manager.clear()
        server.shutdown()
