"""The adapters put together: what was built is what is deployed."""

import gzip
import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from model_packages import make_package
from registry_server import Registry, digest

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.world import make_world
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import ImageError
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
SERVE = b"""
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(open("versions.txt", "rb").read())
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def member(name: str, content: bytes = b"", link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.linkname = len(content), link
    info.type = tarfile.SYMTYPE if link else tarfile.REGTYPE
    return info, content


def put_base(registry: Registry, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    """A base image as a container builder pushes it: one layer, compressed, with an operating system in it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    config = {"config": {"Entrypoint": ["python", "/app/serve.py"]}, "rootfs": {"type": "layers", "diff_ids": []}}
    registry.put("slipway/app", "1.0.0", [file.getvalue()], config)
    body, media = registry.manifests["slipway/app", "1.0.0"]
    manifest = json.loads(body)
    manifest["layers"][0]["mediaType"] += "+gzip"
    body = json.dumps(manifest).encode()
    for name in ("1.0.0", digest(body)):
        registry.manifests["slipway/app", name] = (body, media)


@pytest.fixture
def registry() -> Iterator[Registry]:
    found = Registry()
    yield found
    found.close()


def settings_of(registry: Registry, home: Path) -> Settings:
    base = f"{registry.host}/slipway/app:1.0.0"
    return Settings(home=home, registry=f"{registry.host}/team", app_base=base, registry_insecure=True)


def test_one_machine_deploys_from_the_registry_what_was_built_to_it(registry: Registry, tmp_path: Path) -> None:
    system = [
        member("usr/bin/python3", b"elf"),
        member("usr/bin/python", link="python3"),
        member("bin", link="usr/bin"),
    ]
    put_base(registry, *system, member("app/serve.py", SERVE))
    world = make_world(settings_of(registry, tmp_path / "home"))
    platform = world.platform
    assert isinstance(platform, LocalPlatform)
    built = world.images.build(make_package(tmp_path / "package"), "7", "staging-1.0.7")
    platform.deploy(STAGING, Candidate(version="7", digest=built))
    try:
        deadline = time.monotonic() + 30
        while platform.status(STAGING).phase != "Running":
            assert time.monotonic() < deadline, platform.log_path(STAGING).read_text()
            time.sleep(0.1)
        assert "model-version=7" in requests.get(str(platform.status(STAGING).url), timeout=5).text
        root = tmp_path / "home/environments/staging/rootfs" / built.removeprefix("sha256:")
        assert [path.name for path in root.iterdir()] == ["app"], "more than the app was unpacked"
        assert not (tmp_path / "home/images").exists(), "a second image store was made"
    finally:
        platform.down(STAGING)


@pytest.mark.parametrize(
    ("hostile", "said"),
    [
        (member("app/link", link="/etc"), "unsafe"),
        (member("app/../../escaped", b"x"), "unsafe"),
        (member("app/.wh.serve.py"), "removes a file"),
    ],
)
def test_a_base_that_cannot_be_unpacked_is_refused(
    registry: Registry, tmp_path: Path, hostile: tuple[tarfile.TarInfo, bytes], said: str
) -> None:
    put_base(registry, member("app/serve.py", SERVE), hostile)
    world = make_world(settings_of(registry, tmp_path / "home"))
    built = world.images.build(make_package(tmp_path / "package"), "7", "t")
    with pytest.raises(ImageError, match=said):
        world.platform.deploy(STAGING, Candidate(version="7", digest=built))
    assert not list(tmp_path.rglob("escaped"))
    assert world.platform.deployed(STAGING) is None


def test_gzip_that_is_cut_off_is_damaged(registry: Registry, tmp_path: Path) -> None:
    put_base(registry, member("app/serve.py", SERVE))
    world = make_world(settings_of(registry, tmp_path / "home"))
    body, media = registry.manifests["slipway/app", "1.0.0"]
    manifest = json.loads(body)
    half = gzip.compress(b"x" * 5000)[:20]
    registry.blobs["slipway/app", digest(half)] = half
    manifest["layers"][0] |= {"digest": digest(half), "size": len(half)}
    registry.manifests["slipway/app", "1.0.0"] = (json.dumps(manifest).encode(), media)
    built = world.images.build(make_package(tmp_path / "package"), "7", "t")
    with pytest.raises(ImageError, match="damaged"):
        world.platform.deploy(STAGING, Candidate(version="7", digest=built))
