"""How a pod reaches the API server: with its service account, and without importing the official client."""

import datetime
import ipaddress
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slipway_steps.adapters.kubernetes import connection
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings


class ApiServer:
    """An API server with a certificate of its own. `tokens`: what each request logged in with."""

    def __init__(self, directory: Path) -> None:
        self.tokens: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.tokens.append(self.headers["Authorization"])
                self.send_response(200)
                self.send_header("Content-Length", "13")
                self.end_headers()
                self.wfile.write(b'{"items": []}')

            def log_message(self, *arguments: Any) -> None:
                pass

        self.ca = directory / "ca.crt"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(self.ca))
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()


def _certificate(ca: Path) -> Path:
    """Write a certificate for 127.0.0.1 to `ca`, and return a file with its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    ca.write_bytes(pem)
    plain = serialization.NoEncryption()
    both = ca.with_name("both.pem")
    both.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return both


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    found = ApiServer(tmp_path)
    (tmp_path / "token").write_text("first\n")
    monkeypatch.setattr(connection, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(found.http.server_port))
    yield found
    found.http.shutdown()
    found.http.server_close()


def test_the_token_is_read_anew_for_each_call(server: ApiServer, tmp_path: Path) -> None:
    api = Api(Settings())
    assert api.get("/api/v1/namespaces/a/pods", what="listing pods") == {"items": []}
    (tmp_path / "token").write_text("second")
    api.get("/api/v1/namespaces/a/pods", what="listing pods")
    assert server.tokens == ["Bearer first", "Bearer second"]


def test_a_server_with_another_certificate_gets_no_token(server: ApiServer, tmp_path: Path) -> None:
    _certificate(tmp_path / "ca.crt")
    with pytest.raises(PlatformError, match=r"listing pods failed: .*certificate"):
        Api(Settings(), RetryPolicy(attempts=2, first_wait=0.0)).get("/api/v1/pods", what="listing pods")
    assert server.tokens == []


def test_a_pod_does_not_import_the_official_client(server: ApiServer, tmp_path: Path) -> None:
    """It takes more than a second."""
    code = (
        "import sys; from pathlib import Path; from slipway_steps.adapters.kubernetes import connection;"
        f"connection.SERVICE_ACCOUNT = Path({str(tmp_path)!r});"
        "from slipway_steps.adapters.world import make_world;"
        "platform = make_world().platform; platform.api.get('/api/v1/namespaces/a/pods', what='listing');"
        "print([name for name in ('kubernetes', 'requests_oauthlib', 'yaml') if name in sys.modules])"
    )
    environment = {**os.environ, "SLIPWAY_PLATFORM": "kubernetes"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
