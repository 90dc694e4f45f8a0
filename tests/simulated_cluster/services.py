"""Services of the simulated cluster: an address of this machine each, whose connections go to whatever is behind it."""

import contextlib
import random
import socket
import socketserver
import threading
from collections.abc import Callable

Backend = Callable[[], tuple[str, int] | None]
"""Host and port of the process behind a Service; None while there is none."""


class _Connection(socketserver.BaseRequestHandler):
    """Copies bytes both ways until both sides are done."""

    def handle(self) -> None:
        found = self.server.backend()  # type: ignore[attr-defined]
        if found is None:
            return
        with contextlib.suppress(OSError), socket.create_connection(found, timeout=10) as other:
            other.settimeout(None)
            back = threading.Thread(target=_copied, args=(other, self.request), daemon=True)
            back.start()
            _copied(self.request, other)
            back.join()


def _copied(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


class Services:
    """`names`: name of a Service -> its address, for `dns/sitecustomize.py`."""

    def __init__(self) -> None:
        # a network of its own within the loopback addresses, for simulated clusters that run at the same time
        self._network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
        self._servers: list[_Server] = []
        self.names: dict[str, str] = {}

    def add(self, name: str, port: int, backend: Backend) -> None:
        """A Service `name` at its port."""
        address = f"{self._network}.{len(self._servers) + 1}"
        server = _Server((address, port), _Connection)
        server.backend = backend  # type: ignore[attr-defined]
        self._servers.append(server)
        self.names[name] = address
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
