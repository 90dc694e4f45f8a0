"""The images, built once for all tests, and MLflow in its image."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from containers import Images, engine

from slipway_steps import __version__

BUILT = ("app", "handler", "mlflow", "steps", "train")


@pytest.fixture(scope="session")
def images() -> Images:
    if os.environ.get("SLIPWAY_TEST_IMAGES") != "1":
        pytest.skip("builds images: SLIPWAY_TEST_IMAGES=1 asks for it")
    found = engine()
    if not found:
        pytest.skip("no engine: docker, podman or buildah")
    made = Images(found, __version__)
    made.build(*BUILT)
    return made


def answer(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> requests.Response:
    """The first answer 200 of a server that has just been started."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            found = requests.get(url, timeout=5)
            if found.status_code == 200:
                return found
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def mlflow(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow in its image, with proxied artifacts as in charts/platform."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = tmp_path_factory.mktemp("mlflow") / "log"
    arguments = ["server", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    arguments += ["--backend-store-uri=sqlite:////tmp/mlflow.db", "--artifacts-destination=/tmp/artifacts"]
    with images.running(
        images.reference("mlflow"), arguments, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, log
    ) as process:
        url = f"http://127.0.0.1:{port}"
        assert answer(f"{url}/health", process, log).text == "OK"
        yield url
