"""The real app, in a process of its own, as an environment runs it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.settings import PROJECT_ROOT


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=10)

    def predict(self, content: bytes, **more: str) -> requests.Response:
        return requests.post(f"{self.url}/predict", files={"image": ("image.png", content)}, timeout=20, **more)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """serve(package, change): build the image, unpack it, let `change` spoil it, run it."""
    started = []

    def start(package: Path, change: Callable[[Path], None] | None = None, wait: bool = True) -> Served:
        images = OciLayout(tmp_path / "images", PROJECT_ROOT / "images" / "app")
        app = images.unpack(images.build(package, "7", "t"), tmp_path / "rootfs") / "app"
        if change:
            change(app)
        port, log = free_port(), tmp_path / "app.log"
        environment = {"PORT": str(port), "PATH": os.environ["PATH"], "SLIPWAY_IMAGE_DIGEST": "sha256:abc"}
        with log.open("wb") as out:
            command = [sys.executable, "-E", "-s", str(app / "serve.py")]
            process = subprocess.Popen(command, cwd="/", env=environment, stdout=out, stderr=out)
        served = Served(process, f"http://127.0.0.1:{port}", log)
        started.append(served)
        deadline = time.monotonic() + 30
        while wait and time.monotonic() < deadline and process.poll() is None:
            try:
                if served.get("/readyz").status_code == 200:
                    break
            except requests.ConnectionError:
                time.sleep(0.1)
        return served

    yield start
    for served in started:
        served.process.kill()
        served.process.wait()
