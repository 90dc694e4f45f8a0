"""The registry adapter: on a real registry where one is installed, and with faults on one in memory."""

import base64
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_registry import docker_registry, push
from model_packages import make_package
from registry_server import Registry, digest, reset, status, truncated

from slipway_steps.adapters.oci.registry import OciRegistry, parse_reference
from slipway_steps.adapters.oci.runnable_registry import RunnableRegistry
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.errors import ImageError
from slipway_steps.settings import Settings

CONFIG = {"architecture": "amd64", "os": "linux", "config": {"User": "10001"}, "rootfs": {"type": "layers"}}


def layer(text: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("app/serve.py")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return file.getvalue()


BASE = [layer("one"), layer("two" * 1000)]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return make_package(tmp_path / "package")


@pytest.fixture
def memory() -> Iterator[Registry]:
    registry = Registry()
    registry.put("slipway/app", "1.0.0", BASE, CONFIG)
    yield registry
    registry.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[str]:
    """A docker-registry process with the base image in it; its host."""
    with docker_registry(tmp_path / "real") as host:
        push(f"http://{host}", "slipway/app", "1.0.0", BASE, CONFIG)
        yield host


def store(host: str, **more: Any) -> OciRegistry:
    given = {"registry": f"{host}/team", "app_base": f"{host}/slipway/app:1.0.0", "registry_insecure": True, **more}
    return OciRegistry(Settings(**given), RetryPolicy(first_wait=0.0, longest_asked=0.0))


def test_a_real_registry_takes_an_image_and_gives_it_back(real: str, package: Path, tmp_path: Path) -> None:
    images = store(real)
    built = images.build(package, "7", "staging-1.0.7")
    assert images.resolve("staging-1.0.7") == built == images.build(package, "7", "again")
    images.tag(built, "canary-1.0.7")
    assert images.resolve("canary-1.0.7") == built
    assert images.resolve("none") is None
    root = RunnableRegistry(images.settings).unpack(built, tmp_path / "root")
    assert (root / "app/versions.txt").read_text().splitlines()[1] == "model-version=7"
    assert (root / "app/serve.py").read_text() == "two" * 1000
    assert (root / "app/model/model.onnx").read_bytes() == (package / "model.onnx").read_bytes()
    if shutil.which("skopeo"):
        reference = f"docker://{real}/team/model-app:canary-1.0.7"
        found = subprocess.run(
            ["skopeo", "inspect", "--tls-verify=false", reference], capture_output=True, text=True, check=True
        )
        assert json.loads(found.stdout)["Digest"] == built


def test_an_image_is_verified_without_pulling_its_layers(memory: Registry, package: Path) -> None:
    images = store(memory.host)
    built = images.build(package, "7", "t")
    before = len(memory.requests)
    images.verify(built)
    assert {request.split()[0] for request in memory.requests[before:]} == {"GET", "HEAD"}
    assert sum(request.startswith("GET") for request in memory.requests[before:]) == 1
    layer = json.loads(memory.manifests["team/model-app", built][0])["layers"][-1]["digest"]
    del memory.blobs["team/model-app", layer]
    with pytest.raises(ImageError, match=f"has no {layer}"):
        images.verify(built)


def test_layers_of_the_base_are_mounted_not_sent(memory: Registry, package: Path) -> None:
    store(memory.host).build(package, "7", "t")
    assert sum("mount=" in request for request in memory.requests) == len(BASE)
    assert sum(request.startswith("PATCH") for request in memory.requests) == 2  # the model layer, the config


def test_a_base_in_another_registry_is_copied(memory: Registry, package: Path) -> None:
    other = Registry()
    try:
        images = store(other.host, app_base=f"{memory.host}/slipway/app:1.0.0")
        built = images.build(package, "7", "t")
        manifest = json.loads(other.manifests["team/model-app", built][0])
        assert [part["digest"] for part in manifest["layers"]][:2] == [digest(blob) for blob in BASE]
    finally:
        other.close()


def test_a_base_for_several_architectures(memory: Registry, package: Path) -> None:
    base = memory.put("slipway/app", "amd", BASE, CONFIG)
    other = memory.put("slipway/app", "arm", BASE[:1], {**CONFIG, "architecture": "arm64"})
    parts = [
        {"digest": name, "size": 1, "platform": {"architecture": arch, "os": "linux"}}
        for name, arch in ((other, "arm64"), (base, "amd64"))
    ]
    index = json.dumps({"schemaVersion": 2, "manifests": parts}).encode()
    memory.manifests["slipway/app", "multi"] = (index, "application/vnd.oci.image.index.v1+json")
    built = store(memory.host, app_base=f"{memory.host}/slipway/app:multi").build(package, "7", "t")
    assert len(json.loads(memory.manifests["team/model-app", built][0])["layers"]) == 3
    with pytest.raises(ImageError, match="riscv"):
        store(memory.host, app_base=f"{memory.host}/slipway/app:multi", image_architecture="riscv").build(
            package, "7", "t"
        )


@pytest.mark.parametrize(
    ("method", "path", "fault"),
    [
        ("PATCH", "uploads", reset),
        ("PATCH", "uploads", status(503)),
        ("POST", "uploads", status(429, Retry_After="0")),
        ("PUT", "uploads", status(500)),
        ("PUT", "manifests", status(502)),
        ("HEAD", "blobs", reset),
        ("GET", "manifests", reset),
        ("GET", "blobs", truncated),
    ],
)
def test_a_fault_that_passes_is_gone_through(
    memory: Registry, package: Path, method: str, path: str, fault: Any
) -> None:
    calm = store(memory.host).build(package, "7", "calm")
    memory.blobs = {key: blob for key, blob in memory.blobs.items() if key[0] == "slipway/app"}
    memory.faults = [(method, path, fault)]
    assert store(memory.host).build(package, "7", "t") == calm
    assert memory.faults == []
    assert memory.manifests["team/model-app", "t"][0] == memory.manifests["team/model-app", "calm"][0]


def test_an_upload_goes_on_where_it_broke(memory: Registry, package: Path) -> None:
    memory.faults = [("PATCH", "uploads", reset)]
    store(memory.host).build(package, "7", "t")
    sent = [request for request in memory.requests if request.startswith("PATCH")]
    assert len(sent) >= 3
    assert any(request.startswith("GET") and "uploads" in request for request in memory.requests)


def test_a_registry_that_stays_broken_leaves_no_tag(memory: Registry, package: Path) -> None:
    memory.faults = [("PUT", "manifests/sha256", status(500)) for _ in range(9)]
    with pytest.raises(ImageError, match=r"tagging .* status 500"):
        store(memory.host).build(package, "7", "t")
    assert ("team/model-app", "t") not in memory.manifests


def test_a_registry_that_is_away_is_said(memory: Registry, package: Path) -> None:
    memory.close()
    with pytest.raises(ImageError, match=f"{memory.host}.*is the registry up"):
        store(memory.host).build(package, "7", "t")


def auth_file(path: Path, host: str, password: str) -> Path:
    auth = base64.b64encode(f"user:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return path


@pytest.mark.parametrize("kind", ["basic", "token"])
def test_credentials_of_a_pull_secret_are_used(kind: str, package: Path, tmp_path: Path) -> None:
    registry = Registry(kind)
    try:
        registry.put("slipway/app", "1.0.0", BASE, CONFIG)
        images = store(registry.host, registry_auth_file=auth_file(tmp_path / "c.json", registry.host, "right"))
        built = images.build(package, "7", "t")
        if kind == "token":
            registry.tokens += 1  # those that were given have expired
        assert images.resolve("t") == built
        wrong = store(registry.host, registry_auth_file=auth_file(tmp_path / "w.json", registry.host, "wrong-secret"))
        with pytest.raises(ImageError, match=r"401.*SLIPWAY_REGISTRY_AUTH_FILE") as caught:
            wrong.resolve("t")
        assert "wrong-secret" not in str(caught.value)
    finally:
        registry.close()


def test_credentials_never_go_elsewhere(memory: Registry, tmp_path: Path) -> None:
    seen: list[str | None] = []

    def look(handler: Any) -> bool:
        seen.append(handler.headers.get("Authorization"))
        handler.reply(200, b"{}")
        return True

    registry = Registry("basic")
    try:
        name = digest(b"{}")
        registry.manifests["team/model-app", "t"] = (b"", "x")
        memory.faults = [("GET", "elsewhere", look)]

        def away(handler: Any) -> bool:
            if not handler.headers.get("Authorization"):
                return False
            handler.reply(307, headers={"Location": f"http://{memory.host}/elsewhere"})
            return True

        registry.faults = [("GET", "manifests", lambda handler: False), ("GET", "manifests", away)]
        images = store(registry.host, registry_auth_file=auth_file(tmp_path / "c.json", registry.host, "right"))
        assert images.resolve("t") == name
        assert seen == [None]
    finally:
        registry.close()


def test_plain_http_only_where_it_is_allowed(memory: Registry, package: Path) -> None:
    with pytest.raises(ImageError, match="SLIPWAY_REGISTRY_INSECURE"):
        store(memory.host, registry_insecure=False).build(package, "7", "t")


def test_plain_http_to_one_registry_is_not_plain_http_to_the_other(memory: Registry, package: Path) -> None:
    own = Registry()
    try:
        images = store(own.host, app_base=f"{memory.host}/slipway/app:1.0.0", app_base_insecure=False)
        with pytest.raises(ImageError, match="SLIPWAY_APP_BASE_INSECURE"):
            images.build(package, "7", "t")
    finally:
        own.close()


@pytest.mark.parametrize("text", ["app", "app:1", "host/app", "host.example/app"])
def test_a_base_that_is_no_full_reference_is_refused(text: str) -> None:
    with pytest.raises(ImageError, match="not a full image reference"):
        parse_reference(text)


def test_references() -> None:
    assert parse_reference("r.example:5000/a/b:1.2") == ("r.example:5000", "a/b", "1.2")
    assert parse_reference("r.example/a@sha256:00") == ("r.example", "a", "sha256:00")
