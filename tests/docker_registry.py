"""Debian's docker-registry, a real registry, as a process of a test."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from registry_server import Registry


@contextmanager
def docker_registry(
    directory: Path, tls: tuple[Path, Path] | None = None, htpasswd: Path | None = None
) -> Iterator[str]:
    """A registry with an empty store below `directory`; its host with port.

    tls: certificate and key; None: plain HTTP. htpasswd: the file of its users (bcrypt); None: it asks for nobody.
    """
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "registry")}},
        "http": {"addr": host},
    }
    if tls:
        config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    if htpasswd:
        config["auth"] = {"htpasswd": {"realm": "slipway", "path": str(htpasswd)}}
    (directory / "config.yml").write_text(json.dumps(config))
    with (directory / "registry.log").open("w") as log:
        process = subprocess.Popen([program, "serve", str(directory / "config.yml")], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, (directory / "registry.log").read_text()
                time.sleep(0.05)
        yield host
    finally:
        process.terminate()
        process.wait(10)


def push(address: str, repository: str, tag: str, layers: list[bytes], config: dict[str, Any], **options: Any) -> None:
    """Push an image to the registry at `address` (`http://host:port`). options: as `auth`, `verify` of a session."""
    session = requests.Session()
    session.trust_env = False  # a CA bundle of the environment would go before `verify`
    for name, value in options.items():
        setattr(session, name, value)
    image = Registry()
    try:
        named = image.put(repository, tag, layers, config)
        body, media = image.manifests[repository, named]
        for (_, digest), blob in image.blobs.items():
            upload = session.post(f"{address}/v2/{repository}/blobs/uploads/", timeout=5)
            answer = session.put(upload.headers["Location"], params={"digest": digest}, data=blob, timeout=5)
            assert answer.status_code == 201, answer.text
        headers = {"Content-Type": media}
        answer = session.put(f"{address}/v2/{repository}/manifests/{tag}", data=body, headers=headers, timeout=5)
        assert answer.status_code == 201, answer.text
    finally:
        image.close()
