"""The Secret slipway-registry: login and CA of the registry, as the pods of steps and of BuildKit have it."""

import base64
import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_registry import docker_registry, push
from model_packages import make_package
from workflows.catalog.generated import ALL, document, template

from slipway_steps.adapters.oci.registry import OciRegistry
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.errors import ImageError
from slipway_steps.settings import read_settings
from slipway_workflows.catalog.rbac import DEPLOYING_STEPS

SECRET = "slipway-registry"
USER, PASSWORD = "robot", "s3cr3t-w0rd"
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuswOJ.QUCpuyZO9HSy3fJrzByYtDTJTK"
"""The password above, hashed by bcrypt, as docker-registry wants it."""


def secret_volumes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found.get("volumes", []) if "secret" in one]


def test_only_steps_that_use_the_registry_have_its_password() -> None:
    having = {
        found["name"]
        for manifest in ALL
        if manifest["kind"] == "WorkflowTemplate" and manifest["metadata"]["name"] != "build-images"
        for found in manifest["spec"]["templates"]
        if secret_volumes(found)
    }
    assert having == {"build", *DEPLOYING_STEPS, "health"}


@pytest.mark.parametrize(("workflow", "name"), [("build-container-image", "build"), ("build-images", "image")])
def test_a_pod_starts_without_the_secret(workflow: str, name: str) -> None:
    """An optional volume is empty where the Secret, or a key of it, does not exist."""
    (volume,) = secret_volumes(template(workflow, name))
    assert volume["secret"]["secretName"] == SECRET
    assert volume["secret"]["optional"] is True
    (mount,) = (one for one in template(workflow, name)["container"]["volumeMounts"] if one["name"] == volume["name"])
    assert mount["readOnly"] is True


def test_buildkit_finds_login_and_ca_where_they_are_mounted() -> None:
    found = template("build-images", "image")
    (volume,) = secret_volumes(found)
    paths = {one["key"]: one["path"] for one in volume["secret"]["items"]}
    assert paths == {".dockerconfigjson": "config.json", "ca.crt": "ca.crt"}
    (place,) = (one["mountPath"] for one in found["container"]["volumeMounts"] if one["name"] == volume["name"])
    assert {"name": "DOCKER_CONFIG", "value": place} in found["container"]["env"]
    text = document("configmap-buildkit-slipway-build")["data"]["buildkitd.toml"]
    # a directory, and not a file: BuildKit takes each *.crt in it, and goes on where there is none
    assert all(one["tlsconfigdir"] == [place] for one in tomllib.loads(text)["registry"].values())


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    found = tmp_path / "tls.crt", tmp_path / "tls.key"
    subject = ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-out", found[0], "-keyout", found[1]]
    subprocess.run(["openssl", "req", "-x509", *key, *subject, *files], check=True, capture_output=True)
    return found


@pytest.fixture
def locked(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[str]:
    """The host of a registry with TLS and a password, which holds the app's base image."""
    users = tmp_path / "htpasswd"
    users.write_text(HTPASSWD + "\n")
    with docker_registry(tmp_path / "registry", certificate, users) as host:
        login: dict[str, Any] = {"auth": (USER, PASSWORD), "verify": str(certificate[0])}
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}}
        push(f"https://{host}", "slipway/app", "1.0.0", [b"base"], config, **login)
        yield host


def start_pod(
    root: Path, secret: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str = "build-container-image"
) -> None:
    """Mount a Secret below `root` as a kubelet does for the step `build`, and set the environment of its container."""
    found = template(name, "build")
    mounts = {one["name"]: one["mountPath"] for one in found["container"]["volumeMounts"]}
    for volume in secret_volumes(found):
        place = root / mounts[volume["name"]].lstrip("/")
        place.mkdir(parents=True)
        for item in volume["secret"]["items"]:
            if item["key"] in secret:
                (place / item["path"]).write_text(secret[item["key"]])
            else:
                assert volume["secret"]["optional"]
    for variable in found["container"].get("env", []):
        value = variable["value"]
        mounted = any(value.startswith(place) for place in mounts.values())
        monkeypatch.setenv(variable["name"], f"{root}{value}" if mounted else value)


def registry(host: str, monkeypatch: pytest.MonkeyPatch) -> OciRegistry:
    """The registry as the step gets it: its settings are those of the ConfigMap and of its container."""
    monkeypatch.setenv("SLIPWAY_REGISTRY", f"{host}/team")
    monkeypatch.setenv("SLIPWAY_APP_BASE", f"{host}/slipway/app:1.0.0")
    monkeypatch.setenv("SLIPWAY_REGISTRY_INSECURE", "false")
    return OciRegistry(read_settings(), RetryPolicy(first_wait=0.0, longest_asked=0.0))


def docker_config(host: str, password: str) -> str:
    login = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": login}}})


def test_a_step_pushes_with_the_mounted_secret(
    locked: str, certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {".dockerconfigjson": docker_config(locked, PASSWORD), "ca.crt": certificate[0].read_text()}
    start_pod(tmp_path / "pod", secret, monkeypatch)
    images = registry(locked, monkeypatch)
    built = images.build(make_package(tmp_path / "package"), "7", "staging-1.0.7")
    assert images.resolve("staging-1.0.7") == built


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((), r"certificate of .* is not trusted.*ca\.crt of the Secret slipway-registry"),
        ((".dockerconfigjson",), r"certificate of .* is not trusted.*ca\.crt of the Secret slipway-registry"),
        (("ca.crt",), r"status 401.*\.dockerconfigjson of the Secret slipway-registry"),
    ],
)
def test_what_the_secret_lacks_is_said(
    keys: tuple[str, ...],
    said: str,
    locked: str,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = {".dockerconfigjson": docker_config(locked, PASSWORD), "ca.crt": certificate[0].read_text()}
    start_pod(tmp_path / "pod", {key: whole[key] for key in keys}, monkeypatch)
    with pytest.raises(ImageError, match=said):
        registry(locked, monkeypatch).resolve("staging-1.0.7")


def test_a_wrong_password_is_said_and_never_shown(
    locked: str, certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {".dockerconfigjson": docker_config(locked, "wr0ng-w0rd"), "ca.crt": certificate[0].read_text()}
    start_pod(tmp_path / "pod", secret, monkeypatch)
    with pytest.raises(ImageError, match="status 401") as caught:
        registry(locked, monkeypatch).resolve("staging-1.0.7")
    assert "wr0ng-w0rd" not in str(caught.value)


def test_without_tls_no_secret_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_registry(tmp_path / "registry") as host:
        start_pod(tmp_path / "pod", {}, monkeypatch)
        monkeypatch.setenv("SLIPWAY_REGISTRY", host)
        monkeypatch.setenv("SLIPWAY_REGISTRY_INSECURE", "true")
        assert OciRegistry(read_settings()).resolve("none") is None
