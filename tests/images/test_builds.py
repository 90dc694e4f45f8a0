"""The images, really built, and a model's way through them: trained, evaluated, registered, built, served.

It needs an engine (docker, podman, or buildah as root), an index of packages and a quarter of an hour: only where
SLIPWAY_TEST_IMAGES=1 asks for it. BUILD_OPTIONS reach the builds, as with `make images`.
"""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from containers import Images, engine
from registry_server import Registry

from slipway_steps import __version__

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("SLIPWAY_TEST_IMAGES") != "1", reason="builds images: SLIPWAY_TEST_IMAGES=1 asks for it"
    ),
    pytest.mark.timeout(3600),
]
NAMES = ("app", "mlflow", "steps", "train")
MEGABYTES = {"app": 140, "mlflow": 450, "steps": 250, "train": 1000}
"""What an image may add to its base, unpacked."""
OTHER_STEPS = (
    "deploy", "integration", "resources", "load", "promote", "hold", "revert", "rejected", "vacant", "initialize",
    "finish",
)  # fmt: skip
SIZE = """
import os, sysconfig
library = sysconfig.get_path("stdlib")
seen = set()
for top in ("/app", "/opt/venv", "/opt/slipway", library):
    for directory, _, files in os.walk(top):
        if not directory.startswith(library) or "__pycache__" in directory:
            seen |= {(s.st_ino, s.st_size) for s in (os.lstat(os.path.join(directory, file)) for file in files)}
print(sum(size for _, size in seen) / 1e6)
"""
COMPILED = """
import importlib.util, os, sys, sysconfig
names = ["argparse", "json", "ssl", "http.client", "asyncio.base_events"]
places = [importlib.util.find_spec(name) for name in names]
print(all(os.path.exists(place.cached) for place in places), os.getuid(), os.access("/app", os.W_OK))
"""


@pytest.fixture(scope="module")
def images() -> Images:
    found = engine()
    if not found:
        pytest.skip("no engine: docker, podman or buildah")
    made = Images(found, __version__)
    made.build(*NAMES)
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> requests.Response:
    """The first answer 200 of a server that has just been started."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            found = requests.get(url, timeout=5)
            if found.status_code == 200:
                return found
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def mlflow(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow in its image, with proxied artifacts as in charts/platform."""
    port, log = free_port(), tmp_path_factory.mktemp("mlflow") / "log"
    arguments = ["server", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    arguments += ["--backend-store-uri=sqlite:////tmp/mlflow.db", "--artifacts-destination=/tmp/artifacts"]
    with images.running(images.reference("mlflow"), arguments, {}, log) as process:
        url = f"http://127.0.0.1:{port}"
        assert answer(f"{url}/health", process, log).text == "OK"
        yield url


@pytest.mark.parametrize("name", NAMES)
def test_size(images: Images, name: str) -> None:
    done = images.run(images.reference(name), ["-c", SIZE], {}, ["python"])
    assert float(done.stdout) <= MEGABYTES[name], done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_it_is_compiled_and_runs_as_a_numeric_user_that_may_write_nothing(images: Images, name: str) -> None:
    done = images.run(images.reference(name), ["-c", COMPILED], {}, ["python"])
    assert done.stdout.split() == ["True", "10001", "False"], done.stderr


@pytest.mark.parametrize("name", OTHER_STEPS)
def test_a_step_starts(images: Images, name: str) -> None:
    """It asks for its parameters; nothing that it imports is missing."""
    done = images.run(images.reference("steps"), [name], {})
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    assert "ModuleNotFoundError" not in done.stderr


def test_a_model_from_training_to_the_app(images: Images, mlflow: str, tmp_path: Path) -> None:
    registry = Registry()
    base = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}
    registry.put("slipway/app", "base", [], base)
    environment = {
        "SLIPWAY_TRACKING_URI": mlflow,
        "SLIPWAY_REGISTRY": registry.host,
        "SLIPWAY_REGISTRY_INSECURE": "true",
        "SLIPWAY_APP_BASE": f"{registry.host}/slipway/app:base",
    }

    def step(image: str, *arguments: str) -> str:
        done = images.run(images.reference(image), [*arguments], environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        (run,) = re.findall(r"logged to MLflow as run (\w+)", step("train", "train", "--release=r"))
        assert "evaluation: pass" in step("train", "evaluate", "--release=r", f"--run-id={run}")
        step("steps", "register", f"--run-id={run}", "--release=r")
        step("steps", "build", "--model-version=1", "--release=r")
        assert any(method_path.startswith("PUT") for method_path in registry.requests)
    finally:
        registry.close()
    serve(images, mlflow, run, tmp_path)


def serve(images: Images, mlflow: str, run: str, tmp_path: Path) -> None:
    """The app's image with the model of the run, as a release layers it, answers with predictions."""
    from mlflow import MlflowClient

    from slipway_steps.adapters.mlflow.registry import MlflowRegistry
    from slipway_steps.adapters.oci.layers import model_entries
    from slipway_steps.settings import Settings

    assert MlflowClient(mlflow).get_run(run).data.metrics["holdout_accuracy"] > 0.9
    package = MlflowRegistry(Settings(tracking_uri=mlflow)).download_package(run, tmp_path / "package")
    for name, content in model_entries(package, "1"):
        path = tmp_path / "context" / "files" / Path(name).relative_to("app")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    port, log = free_port(), tmp_path / "log"
    reference = images.derive("app", tmp_path / "context", "/app/")
    with images.running(reference, [], {"HOST": "127.0.0.1", "PORT": str(port)}, log) as process:
        url = f"http://127.0.0.1:{port}"
        answer(f"{url}/readyz", process, log)
        assert requests.get(f"{url}/version", timeout=10).json()["version"] == "1"
        sample = min((package / "samples").iterdir())
        with sample.open("rb") as image:
            found = requests.post(f"{url}/predict", files={"image": image}, timeout=20)
        assert found.status_code == 200
        assert found.json()["label"] == sample.name.split("-")[0]
