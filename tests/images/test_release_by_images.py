"""A whole release, each step in its own image, as its own service account, and the model served by the app's image.

What the images talk to are servers on this machine: MLflow in its image, a registry, the Kubernetes API with Argo CD.
Only where SLIPWAY_TEST_IMAGES=1 asks for it, as test_builds.
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from containers import Images
from images.conftest import answer
from kube_rbac import service_account
from kube_server import Cluster
from kube_workloads import LABELS, pod, served
from registry_server import Registry

from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.oci.layers import model_entries
from slipway_steps.adapters.oci.registry import OciRegistry
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.settings import Settings
from slipway_workflows.step import service_account_of

pytestmark = pytest.mark.timeout(3600)
RELEASE = "/apis/argoproj.io/v1alpha1/namespaces/slipway/workflows/r"
USAGE = "/apis/metrics.k8s.io/v1beta1/namespaces/model-app-staging/pods"
PORT = 8000
"""The port of the Services; steps reach the app by their names."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three environments with nothing in them, and metrics-server, which has a new value every second."""
    found = Cluster()
    for environment in Environment:
        found.application(f"model-app-{environment}")
    found.objects[RELEASE] = {"kind": "Workflow", "metadata": {"name": "r", "resourceVersion": "1"}}
    ended = threading.Event()

    def measure() -> None:
        while not ended.wait(1):
            usage = {"name": "app", "usage": {"memory": "90Mi", "cpu": "40m"}}
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            metrics = {"metadata": {"name": "p-1", "labels": LABELS}, "timestamp": now, "containers": [usage]}
            found.lists[USAGE] = [metrics]

    thread = threading.Thread(target=measure)
    thread.start()
    yield found
    ended.set()
    thread.join()
    found.close()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry with a base image of the app."""
    found = Registry()
    base = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}
    found.put("slipway/app", "base", [], base)
    yield found
    found.close()


class Release:
    """Runs steps in their images."""

    def __init__(self, images: Images, cluster: Cluster, registry: Registry, mlflow: str, directory: Path) -> None:
        self.images = images
        self.cluster = cluster
        self.directory = directory
        self.hosts = directory / "hosts"
        names = [service_host("model-app", environment).rpartition(":")[0] for environment in Environment]
        self.hosts.write_text(f"127.0.0.1 localhost {' '.join(names)}\n")
        self.settings = {
            "SLIPWAY_PLATFORM": "kubernetes",
            "SLIPWAY_TRACKING_URI": mlflow,
            "SLIPWAY_REGISTRY": registry.host,
            "SLIPWAY_REGISTRY_INSECURE": "true",
            "SLIPWAY_APP_BASE": f"{registry.host}/slipway/app:base",
            "KUBECONFIG": "/etc/kubeconfig",
        }

    def step(self, name: str, *arguments: str, image: str = "steps") -> str:
        """Run a step as its service account; returns what it printed."""
        config = self.cluster.kubeconfig(self.directory / "kubeconfig", service_account(service_account_of(name)))
        done = self.images.run(
            self.images.reference(image),
            [name, *arguments, "--release=r"],
            self.settings,
            files={"/etc/kubeconfig": config, "/etc/hosts": self.hosts},
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout


def run_pods(cluster: Cluster, digest: str) -> None:
    """What Kubernetes would make of the Deployments of staging and canary: one ready pod each."""
    served(cluster, pod(digest=digest, ready=True))

    def in_canary(text: str) -> str:
        return text.replace("model-app-staging", "model-app-canary")

    for found in (cluster.objects, cluster.lists):
        for path in [one for one in found if "/namespaces/model-app-staging/" in one]:
            found[in_canary(path)] = json.loads(in_canary(json.dumps(found[path])))  # type: ignore[index]


def app_image(images: Images, mlflow: str, run: str, directory: Path) -> tuple[str, Path]:
    """The app's image with the model of the run, as the step `build` layers it, and one of the model's samples."""
    package = MlflowRegistry(Settings(tracking_uri=mlflow)).download_package(run, directory / "package")
    for name, content in model_entries(package, "1"):
        path = directory / "context" / "files" / Path(name).relative_to("app")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return images.derive("app", directory / "context", "/app/"), min((package / "samples").iterdir())


def test_a_release_by_the_images(
    images: Images, mlflow: str, cluster: Cluster, registry: Registry, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"port {PORT} is in use, which is that of the Services")
    release = Release(images, cluster, registry, mlflow, tmp_path)
    (run,) = re.findall(r"logged to MLflow as run (\w+)", release.step("train", image="train"))
    assert "evaluation: pass" in release.step("evaluate", f"--run-id={run}", image="train")
    release.step("register", f"--run-id={run}")
    release.step("build", "--model-version=1")
    images_pushed = OciRegistry(Settings(registry=registry.host, registry_insecure=True, app_base="r/a:b"))
    (digest,) = {name for repository, name in registry.manifests if repository == "model-app" and ":" in name}
    run_pods(cluster, digest)
    reference, sample = app_image(images, mlflow, run, tmp_path)
    environment = {"HOST": "127.0.0.1", "PORT": str(PORT), "SLIPWAY_IMAGE_DIGEST": digest}
    url, log = f"http://127.0.0.1:{PORT}", tmp_path / "log"
    with images.running(reference, [], environment, log) as process:
        answer(f"{url}/readyz", process, log)
        with sample.open("rb") as image:
            found = requests.post(f"{url}/predict", files={"image": image}, timeout=20)
        assert found.json()["label"] == sample.name.split("-")[0]
        assert "serves version 1" in release.step("deploy", "--model-version=1")
        for gate in ("integration", "resources", "load"):
            assert f"{gate}: pass" in release.step(gate)
        assert "canary: healthy, serves version 1" in release.step("promote")
        release.step("finish", "--workflow-status=Succeeded")
        release.step("doctor")
    assert images_pushed.resolve("canary-1.0.1") == digest
