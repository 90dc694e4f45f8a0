"""An outage of MLflow is never the user's fault: RegistryError, which a step is retried for, and not BadInput."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, RegistryError
from slipway_steps.domain.journal import Record
from slipway_steps.settings import Settings

LOOKUPS: list[Callable[[MlflowRegistry, Path], Any]] = [
    lambda registry, path: registry.run_of("1"),
    lambda registry, path: registry.candidate("1"),
    lambda registry, path: registry.evidence("1"),
    lambda registry, path: registry.download_package("0" * 32, path),
    lambda registry, path: registry.register("0" * 32),
]


class Answers(BaseHTTPRequestHandler):
    """Gives the same answer to every request: `told` is the status and the body."""

    told: tuple[int, str] = (500, "")

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.told
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: Any) -> None:
        pass


def error(code: str) -> str:
    """The body of an error as MLflow's server writes it."""
    return json.dumps({"error_code": code, "message": "said by the server"})


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def server() -> Iterator[tuple[type[Answers], str]]:
    class Bound(Answers):
        pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    yield Bound, f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize(
    "told",
    [
        (500, error("INTERNAL_ERROR")),
        (503, error("TEMPORARILY_UNAVAILABLE")),
        (429, error("REQUEST_LIMIT_EXCEEDED")),
        (502, "<html>bad gateway</html>"),
        (200, "<html>a login page</html>"),
    ],
)
def test_a_server_that_fails_is_an_outage(
    server: tuple[type[Answers], str], lookup: Any, told: tuple[int, str], tmp_path: Path
) -> None:
    handler, url = server
    handler.told = told
    with pytest.raises(RegistryError, match="failed") as found:
        lookup(MlflowRegistry(Settings(home=tmp_path, tracking_uri=url)), tmp_path)
    assert found.value.exit_code == 75


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_nobody_listening_is_an_outage(lookup: Any, tmp_path: Path) -> None:
    with pytest.raises(RegistryError):
        lookup(MlflowRegistry(Settings(home=tmp_path, tracking_uri="http://127.0.0.1:9")), tmp_path)


@pytest.mark.parametrize("code", ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"])
def test_what_the_server_does_not_know_is_bad_input(
    server: tuple[type[Answers], str], code: str, tmp_path: Path
) -> None:
    handler, url = server
    handler.told = (404 if code == "RESOURCE_DOES_NOT_EXIST" else 400, error(code))
    registry = MlflowRegistry(Settings(home=tmp_path, tracking_uri=url))
    with pytest.raises(BadInput, match="no version '1'"):
        registry.run_of("1")
    with pytest.raises(BadInput, match="no run"):
        registry.download_package("0" * 32, tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> MlflowRegistry:
    """A registry on SQLite that has been opened and written to."""
    registry = MlflowRegistry(Settings(home=tmp_path / "home"))
    registry.write_record(Environment.STAGING, Record())
    return registry


@pytest.mark.acceptance
def test_a_locked_database_is_an_outage(local: MlflowRegistry, tmp_path: Path) -> None:
    with sqlite3.connect(local.connection.settings.home / "mlflow" / "mlflow.db") as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RegistryError, match="locked"):
            local.run_of("1")
        holder.rollback()
    with pytest.raises(BadInput, match="no version"):
        local.run_of("1")


def test_a_database_without_tables_is_an_outage(local: MlflowRegistry, tmp_path: Path) -> None:
    (local.connection.settings.home / "mlflow" / "mlflow.db").write_bytes(b"")
    for lookup in LOOKUPS:
        with pytest.raises(RegistryError):
            lookup(local, tmp_path)


def test_nothing_waits_on_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    registry = MlflowRegistry(Settings(tracking_uri="http://mlflow.invalid:5000"))
    started = time.monotonic()
    with pytest.raises(RegistryError, match=r"the name mlflow\.invalid does not resolve"):
        registry.record(Environment.STAGING)
    assert time.monotonic() - started < 20


def test_the_waits_for_mlflow_are_those_of_the_settings(
    server: tuple[type[Answers], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For MLflow's own client, and for what speaks to its REST API."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    connection = MlflowRegistry(Settings(tracking_uri=server[1], mlflow_retries=1)).connection
    assert connection.client.http.retry.attempts == 2
    assert connection.client.http.timeout[1] == 7.0, "what the user has set"
    _ = connection.mlflow_client
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
