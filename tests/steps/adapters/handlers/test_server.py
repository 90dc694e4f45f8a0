"""The real multi-model-server: started apart from all else, asked, and gone afterwards."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from slipway_steps.adapters.handlers import server as server_module
from slipway_steps.adapters.handlers.scratch import Scratch, scratch
from slipway_steps.adapters.handlers.server import model_server
from slipway_steps.domain.errors import BadInput

java = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: default-jre-headless")
JSON = "application/json"
ENVIRONMENT = """
import os
def model_fn(model_dir): return sorted(os.environ)
def predict_fn(data, model): return model
"""
DIES = """
import os
def model_fn(model_dir): return 1
def predict_fn(data, model): os._exit(3)
"""
OWNER = """
import sys, time
from pathlib import Path
from slipway_steps.adapters.handlers import server as server_module
from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.adapters.handlers.server import model_server

with scratch(Path(sys.argv[1])) as temporary, model_server(Path(sys.argv[2]), sys.executable, temporary) as server:
    print(server.port, flush=True)
    time.sleep(300)
"""


class Healthy(BaseHTTPRequestHandler):
    """Another process on the port that says what a model server would say."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "Healthy"}')

    def log_message(self, *_: object) -> None: ...


def package(directory: Path, source: str) -> Path:
    (directory / "code").mkdir(parents=True)
    (directory / "code" / "inference.py").write_text(source)
    return directory


def processes_of(directory: Path) -> list[psutil.Process]:
    """The processes whose command line names a file of the directory."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(directory) in word for word in process.info["cmdline"] or []):
            found.append(process)
    return found


@java
def test_the_server_gets_no_variable_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLIPWAY_REGISTRY", "MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY", "SOME_TOKEN"):
        monkeypatch.setenv(name, "secret")
    with scratch(tmp_path) as own, model_server(package(tmp_path / "p", ENVIRONMENT), sys.executable, own) as server:
        names = server.ask(b"[1]", JSON, JSON).body.decode()
    assert "PATH" in names
    for name in ("SLIPWAY", "MLFLOW", "AWS", "TOKEN"):
        assert name not in names


@pytest.mark.acceptance
@java
def test_servers_run_side_by_side_and_leave_nothing(tmp_path: Path) -> None:
    first, second = (
        package(tmp_path / name, f"def model_fn(d): return {name!r}\ndef predict_fn(d, m): return m\n") for name in "ab"
    )
    with (
        scratch(tmp_path) as own,
        model_server(first, sys.executable, own) as one,
        model_server(second, sys.executable, own) as two,
    ):
        assert [one.ask(b"1", JSON, JSON).body, two.ask(b"1", JSON, JSON).body] == [b'"a"', b'"b"']
        assert one.port != two.port
        assert max(one.port, two.port) < 32767
        assert processes_of(own.path)
    assert not processes_of(own.path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@java
def test_a_worker_that_died_is_told_by_ping_and_by_the_answer(tmp_path: Path) -> None:
    with scratch(tmp_path) as own, model_server(package(tmp_path / "p", DIES), sys.executable, own) as server:
        assert server.ping() == (200, "Healthy")
        answer = server.ask(b"[1]", JSON, JSON)
        assert (answer.status, b"Worker died." in answer.body) == (500, True)
        until = time.monotonic() + 5
        while server.ping() != (200, "Unhealthy"):  # the client may know of the death before /ping does
            assert time.monotonic() < until
            time.sleep(0.02)


@java
def test_no_answer_in_time_and_a_server_that_is_gone_are_no_answer(tmp_path: Path) -> None:
    source = "import time\ndef model_fn(d): return 1\ndef predict_fn(d, m): time.sleep(60)\n"
    with scratch(tmp_path) as own:
        with model_server(package(tmp_path / "p", source), sys.executable, own) as server:
            late = server.ask(b"[1]", JSON, JSON, timeout=0.5)
        gone = server.ask(b"[1]", JSON, JSON, timeout=0.5)
    assert (late.status, "timed out" in late.no_answer) == (0, True)
    assert (gone.status, "refused" in gone.no_answer, server.ping()) == (0, True, (0, ""))


@java
def test_a_killed_owner_leaves_no_server_and_no_directory(tmp_path: Path) -> None:
    directory, where = package(tmp_path / "p", DIES), tmp_path / "s"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(where), str(directory)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert int(owner.stdout.readline())
    running = processes_of(where)
    assert any("java" in process.name() for process in running)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    deadline = time.monotonic() + 15
    while list(where.iterdir()) or processes_of(where):
        assert time.monotonic() < deadline, (list(where.iterdir()), processes_of(where))
        time.sleep(0.1)


@pytest.mark.acceptance
@java
def test_a_port_that_another_process_took_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def model_fn(d): return 1\ndef predict_fn(d, m): return m\n"
    taken, free = server_module._free_port(), server_module._free_port()
    ports = iter([taken, free])
    monkeypatch.setattr(server_module, "_free_port", lambda: next(ports))
    with HTTPServer(("127.0.0.1", taken), Healthy) as other:
        threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True).start()
        with scratch(tmp_path) as own, model_server(package(tmp_path / "p", source), sys.executable, own) as server:
            assert server.port == free
            assert server.ask(b"[1]", JSON, JSON).body == b"1"
        other.shutdown()


@java
def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "java"
    broken.mkdir()
    (broken / "bin").mkdir()
    (broken / "bin" / "java").write_text("#!/bin/sh\necho 'Could not create the Java Virtual Machine.' >&2\nexit 1\n")
    (broken / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(broken))
    with (
        scratch(tmp_path) as own,
        pytest.raises(Exception, match="Could not create the Java Virtual Machine"),
        model_server(package(tmp_path / "p", DIES), sys.executable, own),
    ):
        pass


def test_a_machine_without_java_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BadInput, match="default-jre-headless"), model_server(tmp_path, sys.executable, Scratchless()):
        pass
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BadInput, match=f"JAVA_HOME={tmp_path}"), model_server(tmp_path, sys.executable, Scratchless()):
        pass


def test_a_python_without_the_toolkit_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "java"
    stand_in.touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(BadInput, match=r"mms and sagemaker_inference.*pip install"):
        model_server(tmp_path, str(bare), Scratchless()).__enter__()
    with pytest.raises(BadInput, match="not-there could not be asked"):
        model_server(tmp_path, str(tmp_path / "not-there"), Scratchless()).__enter__()


@java
def test_the_path_may_be_longer_than_that_of_a_unix_socket(tmp_path: Path) -> None:
    source = "def model_fn(d): return 1\ndef predict_fn(d, m): return m\n"
    with (
        scratch(tmp_path / ("d" * 100)) as own,
        model_server(package(tmp_path / "p", source), sys.executable, own) as server,
    ):
        assert server.ask(b"[1]", JSON, JSON).body == b"1"


class Scratchless(Scratch):
    """A scratch directory that must not be used, because a check before it refuses."""

    def __init__(self) -> None:
        pass
