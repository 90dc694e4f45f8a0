"""A real MLflow server: the program of images/mlflow's lock, started with the command line of charts/platform.

Its environment is `.venv/mlflow-server`, which `make test` makes once. Only what a pod has and this machine has not is
replaced: the address, the database (SQLite) and the directory of the artifacts.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ENVIRONMENT = Path(sys.prefix) / "mlflow-server"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MlflowServer:
    """The server, with all its state in `directory`."""

    def __init__(self, directory: Path) -> None:
        if not (ENVIRONMENT / ".ready").exists():
            pytest.skip("MLflow's server is not installed: make .venv/mlflow-server/.ready")
        from rendered_charts import platform

        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (self.container,) = platform()["Deployment", "mlflow"]["spec"]["template"]["spec"]["containers"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until its readiness probe answers."""
        instead = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--artifacts-destination": str(self.directory / "artifacts"),
        }
        named = [argument.partition("=") for argument in self.container["args"]]
        arguments = [f"{name}={instead.get(name, value)}" if value else name for name, _, value in named]
        environment = {one["name"]: one["value"] for one in self.container["env"] if "value" in one}
        environment |= {
            "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{self.directory / 'mlflow.db'}",
            "HOME": str(self.directory),
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        }
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.container["command"], *arguments],
                executable=ENVIRONMENT / "bin" / "mlflow",
                env=environment,
                cwd=self.directory,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        probe = self.container["readinessProbe"]["httpGet"]
        headers = {one["name"]: one["value"] for one in probe["httpHeaders"]}
        deadline = time.monotonic() + 120
        while not self._answers(probe["path"], headers):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def _answers(self, path: str, headers: dict[str, str]) -> bool:
        try:
            return requests.get(f"{self.url}{path}", headers=headers, timeout=5).ok
        except requests.ConnectionError:
            return False

    def log(self) -> str:
        """The end of what it wrote."""
        return (self.directory / "server.log").read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """End it and its workers at once, as a node that dies does."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
