"""The real multi-model-server on this machine: Java, one worker, one packaged model, reached on loopback alone.

It is started as `sagemaker_inference.model_server` starts it in a container: the same properties, log configuration and
handler service. What differs is only where it lies: its port, temporary directory and logs are its own, so that any
number of servers run side by side.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slipway_steps.adapters.handlers.process import environment
from slipway_steps.adapters.handlers.scratch import Scratch
from slipway_steps.domain.errors import BadInput, Broken

START_LIMIT = 60.0
"""Seconds until the server has to answer /ping. It takes two to four on an idle machine."""
ATTEMPTS = 3
"""Starts in case another process takes the port between its choice and its use."""
PORTS = range(10240, 32767)
"""The server refuses ports from 32767 on, and those below 1024 need rights."""
LOG = "mms_log.log"
INSTALL_TOOLKIT = "pip install sagemaker-inference==1.10.1 multi-model-server==1.1.11"

_FIND = """
import importlib.util, json, os
def directory(name):
    spec = importlib.util.find_spec(name)
    return os.path.dirname(spec.origin) if spec and spec.origin else ""
print(json.dumps([directory("mms"), directory("sagemaker_inference")]))
"""


@dataclass(frozen=True)
class ServerAnswer:
    """What a client of the real server got. `no_answer` says why there was none; then `status` is 0.

    `content_type` is None where the answer has no such header.
    """

    status: int
    reason: str = ""
    content_type: str | None = None
    body: bytes = b""
    no_answer: str = ""


class ModelServer:
    """A running multi-model-server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, body: bytes, content_type: str | None, accept: str | None, *, timeout: float = 120.0, path: str = ""
    ) -> ServerAnswer:
        """Send one request to /invocations and wait at most `timeout` seconds. A header that is None is not sent.
        `path` is another path to send it to.
        """
        headers = {"Content-Type": content_type, "Accept": accept, "Content-Length": str(len(body))}
        return self._exchange("POST", path or "/invocations", headers, body, timeout)

    def ping(self) -> tuple[int, str]:
        """The status of /ping, and its word: Healthy, Partial Healthy or Unhealthy. (0, "") without an answer."""
        answer = self._exchange("GET", "/ping", {}, b"", 10.0)
        try:
            return answer.status, str(json.loads(answer.body)["status"])
        except (ValueError, KeyError, TypeError):
            return answer.status, ""

    def _exchange(
        self, method: str, path: str, headers: dict[str, str | None], body: bytes, timeout: float
    ) -> ServerAnswer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                if value is not None:
                    connection.putheader(name, value.encode("utf-8"))
            connection.endheaders()
            with suppress(ConnectionError):  # a body above the limit is refused before all of it has been read
                connection.send(body)
            response = connection.getresponse()
            return ServerAnswer(response.status, response.reason, response.getheader("Content-Type"), response.read())
        except (http.client.HTTPException, OSError) as error:
            return ServerAnswer(0, no_answer=f"{type(error).__name__}: {error}")
        finally:
            connection.close()


@contextmanager
def model_server(
    package: Path, python: str, scratch: Scratch, *, timeout: int = 600, libraries: Path | None = None
) -> Iterator[ModelServer]:
    """Start the server with the unpacked `package` as its only model, yield it once it answers, and kill it afterwards.

    `python` is the Python of the worker; it has sagemaker-inference and multi-model-server, whose Java part is used.
    `libraries` is a directory with more packages for it. Everything that the server writes lies in `scratch`. A worker
    that takes more than `timeout` seconds to load the model, or to answer, is started anew. Raises BadInput where Java
    or the toolkit is missing, Broken where the server does not start.
    """
    java = _java()
    mms, toolkit = _toolkit(python)
    for _ in range(ATTEMPTS):
        port = _free_port()
        directory = scratch.path / f"server-{port}"
        for name in ("home", "tmp"):
            (directory / name).mkdir(parents=True)
        properties = directory / "mms.properties"
        properties.write_text(_properties(toolkit, port, timeout))
        command = [java, *_options(mms, toolkit, python, properties, package)]
        with _running(command, package, libraries, directory, scratch) as process:
            server = ModelServer(port)
            if _wait_until_healthy(server, process, directory / LOG):
                yield server
                return
            said = _last_words(directory)
        if "Address already in use" not in said:
            break
    raise Broken(
        f"multi-model-server did not answer on port {port} within {START_LIMIT:g} s: {said}",
        "try it again; if it lasts, run java -version and see whether the machine has memory left",
    )


@contextmanager
def _running(
    command: list[str], package: Path, libraries: Path | None, directory: Path, scratch: Scratch
) -> Iterator["subprocess.Popen[bytes]"]:
    """The server's process, whose group is killed and whose directory is removed at the end of the `with` block."""
    # The server reaches its worker by a Unix socket, whose path may have 107 bytes; this name is always short.
    descriptor = os.open(directory / "tmp", os.O_PATH | os.O_CLOEXEC)
    try:
        command[1:1] = [f"-Djava.io.tmpdir=/proc/{os.getpid()}/fd/{descriptor}"]
        logs = {"LOG_LOCATION": str(directory), "METRICS_LOCATION": str(directory)}
        with (directory / "stderr").open("wb") as errors:
            # Its standard output repeats its log, which is bounded, and all that the handler prints, which is not.
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=environment(package, directory, libraries) | logs,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        scratch.watch(process.pid)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            scratch.forget(process.pid)
    finally:
        os.close(descriptor)
        shutil.rmtree(directory, ignore_errors=True)


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        where = f"JAVA_HOME={home} has no bin/java" if home else "PATH has no java"
        raise BadInput(
            f"the real model server needs Java, and {where}",
            "install a Java runtime of version 11 or newer, on Debian: apt-get install default-jre-headless; "
            "or leave out --server",
        )
    return found


def _toolkit(python: str) -> tuple[Path, Path]:
    """The directories of the packages mms and sagemaker_inference that `python` imports."""
    try:
        done = subprocess.run([python, "-c", _FIND], capture_output=True, text=True, timeout=60, check=True)
        mms, toolkit = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise BadInput(
            f"{python} could not be asked for the toolkit: {error}", "give the path of a Python: --python"
        ) from error
    if not mms or not toolkit:
        missing = " and ".join(name for name, at in [("mms", mms), ("sagemaker_inference", toolkit)] if not at)
        raise BadInput(f"{python} does not have {missing}, which the real model server needs", INSTALL_TOOLKIT)
    return Path(mms), Path(toolkit)


def _properties(toolkit: Path, port: int, timeout: int) -> str:
    settings = {
        "default_response_timeout_seconds": timeout,
        "default_workers_per_model": 1,
        "inference_address": f"http://127.0.0.1:{port}",
        "management_address": f"http://127.0.0.1:{port}",
        "default_service_handler": "sagemaker_inference.default_handler_service",
    }
    lines = [(toolkit / "etc" / "default-mms.properties").read_text(), *(f"{k}={v}" for k, v in settings.items())]
    return "\n".join(lines) + "\n"


def _options(mms: Path, toolkit: Path, python: str, properties: Path, package: Path) -> list[str]:
    return [
        f"-Dmodel_server_home={mms.parent}",
        f"-Dlog4j.configurationFile=file://{toolkit / 'etc' / 'log4j2.xml'}",
        "-XX:-UseContainerSupport",
        "-XX:TieredStopAtLevel=1",  # it starts sooner, and it is to answer a few requests only
        "-cp",
        f"{mms}/frontend/*",
        "com.amazonaws.ml.mms.ModelServer",
        "--python",
        python,
        "-f",
        str(properties),
        "-s",
        "/",
        "-m",
        f"model={package}",
    ]


def _free_port() -> int:
    for port in _shuffled(PORTS):
        with socket.socket() as candidate, suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            return port
    raise Broken(f"no port from {PORTS[0]} to {PORTS[-1]} is free on 127.0.0.1", "end what uses them")


def _shuffled(ports: range) -> Iterator[int]:
    """Every port once, from a place on that differs between processes."""
    start = int.from_bytes(os.urandom(4)) % len(ports)
    return (ports[(start + step) % len(ports)] for step in range(len(ports)))


def _wait_until_healthy(server: ModelServer, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    deadline, bound = time.monotonic() + START_LIMIT, f"API bind to: http://127.0.0.1:{server.port}"
    while time.monotonic() < deadline and process.poll() is None:
        # where another process took the port, that one would answer the ping
        if any(line.endswith(bound) for line in _lines(log)) and server.ping() == (200, "Healthy"):
            return True
        time.sleep(0.05)
    return False


def _last_words(directory: Path) -> str:
    """What the server wrote last: Java itself, else the worker in the server's log, else the log."""
    lines = [line for line in _lines(directory / "stderr") if not line.startswith("\t")]
    log = _lines(directory / LOG)
    lines = lines or [line.partition(" - ")[2] for line in log if "-stderr " in line] or log
    # the server writes each line of its log twice
    return " ".join(list(dict.fromkeys(lines))[-3:])[-500:] or "it wrote nothing"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
