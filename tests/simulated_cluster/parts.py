"""MLflow's server and a registry as processes of this machine: the real programs."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from registry_server import Registry

from slipway_steps.adapters.oci.blobs import Blobs
from slipway_steps.adapters.oci.layers import app_entries, write_layer
from slipway_steps.settings import PROJECT_ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A server process on a port of this machine; `path` is asked until it answers."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.port = port
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent, start_new_session=True)
        self.log = log

    def ready(self, path: str, host: str = "") -> None:
        """Wait until it answers a request with this path and Host."""
        deadline = time.monotonic() + 90
        while True:
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            try:
                headers = {"Host": host} if host else {}
                if requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=5).ok:
                    return
            except requests.RequestException:
                pass
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # MLflow's server has children
        self.process.wait()


def start_mlflow(directory: Path, host: str) -> Program:
    """MLflow's server on SQLite, which passes artifacts through; it answers requests to `host` alone."""
    port = free_port()
    arguments = [
        *("--host=127.0.0.1", f"--port={port}", "--workers=1", "--serve-artifacts", f"--allowed-hosts={host}"),
        f"--backend-store-uri=sqlite:///{directory / 'mlflow.db'}",
        f"--artifacts-destination={directory / 'artifacts'}",
    ]
    settings = ["env", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false", "MLFLOW_DISABLE_TELEMETRY=true"]
    return Program([*settings, sys.executable, "-m", "mlflow", "server", *arguments], port, directory / "mlflow.log")


class RegistryPart:
    """docker-registry where it is installed, else the registry of the tests; with the app's base image in it."""

    def __init__(self, directory: Path, base: str) -> None:
        program = shutil.which("docker-registry")
        self._memory = None if program else Registry()
        self._program = None
        if program:
            port = free_port()
            config = {
                "version": 0.1,
                "log": {"level": "error"},
                "storage": {"filesystem": {"rootdirectory": str(directory / "registry")}},
                "http": {"addr": f"127.0.0.1:{port}"},
            }
            (directory / "registry.yml").write_text(json.dumps(config))
            self._program = Program(
                [program, "serve", str(directory / "registry.yml")], port, directory / "registry.log"
            )
            self._program.ready("/v2/")
        self.host = f"127.0.0.1:{self._program.port}" if self._program else str(self._memory and self._memory.host)
        self._push(base)

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    def close(self) -> None:
        for one in (self._program, self._memory):
            if one is not None:
                one.close()

    def _push(self, base: str) -> None:
        """The app's own files as the base image `base` (repository:tag), as images/app/Dockerfile lays them out."""
        repository, _, tag = base.rpartition(":")
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "10001", "Entrypoint": ["python", "/app/serve.py"], "WorkingDir": "/app"},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        with TemporaryDirectory() as directory:
            blobs = Blobs(Path(directory))
            layer = blobs.path(write_layer(blobs, app_entries(PROJECT_ROOT / "images" / "app")).digest).read_bytes()
        memory = self._memory or Registry()
        digest = memory.put(repository, tag, [layer], config)
        if self._memory is not None:
            return
        body, media = memory.manifests[repository, digest]
        for (_, name), blob in memory.blobs.items():
            upload = requests.post(f"http://{self.host}/v2/{repository}/blobs/uploads/", timeout=10)
            requests.put(upload.headers["Location"], params={"digest": name}, data=blob, timeout=30).raise_for_status()
        url = f"http://{self.host}/v2/{repository}/manifests/{tag}"
        requests.put(url, data=body, headers={"Content-Type": media}, timeout=10).raise_for_status()
        memory.close()
