"""The image store of one machine: an OCI image layout on disk (image-spec 1.1), no daemon, no root.

An image is a base layer (the app's own files) and one model layer, uncompressed: weights do not compress, and gzip made
building three times slower. The same input gives the same bytes: entries are sorted, times are zero, owners are fixed.
"""

import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from slipway_steps.adapters.oci_blobs import Blobs, Descriptor
from slipway_steps.adapters.oci_layers import app_entries, model_entries, write_layer
from slipway_steps.domain.errors import ImageError

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"
USER = "10001"
"""Numeric, so that a kubelet can check runAsNonRoot."""
EPOCH = "1970-01-01T00:00:00Z"


@contextmanager
def translated(what: str, root: Path) -> Iterator[None]:
    """File errors become ImageError; what was written so far lies under temporary names only."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(
            f"{what} in the image store {root} failed: {reason}", "is the disk full or read-only?"
        ) from error


class OciLayout:
    """ports.Images on a directory. `app_directory` holds the files of the app base."""

    def __init__(self, root: Path, app_directory: Path) -> None:
        self.root = root
        self.app_directory = app_directory
        self.blobs = Blobs(root)

    def build(self, package: Path, version: str, tag: str) -> str:
        """See ports.Images."""
        if not (self.app_directory / "serve.py").is_file():
            raise ImageError(f"the app base {self.app_directory} has no serve.py", "name it by SLIPWAY_APP_DIRECTORY")
        with translated(f"building the image of version {version}", self.root):
            self._prepare()
            layers = [
                write_layer(self.blobs, app_entries(self.app_directory)),
                write_layer(self.blobs, model_entries(package, version)),
            ]
            config = self.blobs.write_json(_config(layers, version), CONFIG_TYPE)
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": config.as_dict(),
                "layers": [layer.as_dict() for layer in layers],
                "annotations": {"org.opencontainers.image.version": f"1.0.{version}"},
            }
            digest = self.blobs.write_json(manifest, MANIFEST_TYPE).digest
        self.tag(digest, tag)
        return digest

    def tag(self, digest: str, tag: str) -> None:
        """See ports.Images."""
        size = self._manifest_size(digest)
        with translated(f"tagging {tag}", self.root), FileLock(self.root / "index.lock"):
            entries = [e for e in self._index() if e["annotations"][REF_NAME] != tag]
            entry = Descriptor(MANIFEST_TYPE, digest, size).as_dict() | {"annotations": {REF_NAME: tag}}
            entries = sorted([*entries, entry], key=lambda e: str(e["annotations"][REF_NAME]))
            content = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
            temporary = self.root / "index.json.tmp"
            temporary.write_text(json.dumps(content, indent=1))
            temporary.replace(self.root / "index.json")

    def resolve(self, tag: str) -> str | None:
        """See ports.Images."""
        for entry in self._index():
            if entry["annotations"][REF_NAME] == tag:
                return str(entry["digest"])
        return None

    def config(self, digest: str) -> dict[str, Any]:
        """The config of an image: entry point, environment, user. Raises ImageError where it is missing or damaged."""
        with translated(f"reading {digest}", self.root):
            manifest = json.loads(self.blobs.read(digest))
            loaded: dict[str, Any] = json.loads(self.blobs.read(manifest["config"]["digest"]))
        return loaded

    def unpack(self, digest: str, target: Path) -> Path:
        """See ports.Images."""
        if target.is_dir():
            return target
        with translated(f"unpacking {digest}", self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            manifest = json.loads(self.blobs.read(digest))
            temporary = Path(tempfile.mkdtemp(prefix=".unpack-", dir=target.parent))
            try:
                for layer in manifest["layers"]:
                    path = self.blobs.verified(layer["digest"])
                    with tarfile.open(path) as archive:
                        archive.extractall(temporary, filter="data")
                temporary.replace(target)
            except tarfile.TarError as error:
                raise ImageError(
                    f"image {digest} holds an unsafe or damaged layer: {error}", "build it again"
                ) from error
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        return target

    def _prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        marker = self.root / "oci-layout"
        if not marker.exists():
            temporary = marker.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text('{"imageLayoutVersion": "1.0.0"}')
            temporary.replace(marker)

    def _manifest_size(self, digest: str) -> int:
        path = self.blobs.path(digest)
        if not path.is_file():
            raise ImageError(f"image {digest} is not in the store {self.root}", "build it again")
        return path.stat().st_size

    def _index(self) -> list[dict[str, Any]]:
        path = self.root / "index.json"
        try:
            entries: list[dict[str, Any]] = json.loads(path.read_text())["manifests"] if path.exists() else []
        except (ValueError, KeyError, TypeError) as error:
            raise ImageError(
                f"the index of the image store {path} is damaged",
                "remove it; tags are written again by the next release",
            ) from error
        return entries


def _config(layers: list[Descriptor], version: str) -> dict[str, Any]:
    return {
        "created": EPOCH,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": USER,
            "ExposedPorts": {"8000/tcp": {}},
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOST=0.0.0.0", "PORT=8000"],
            "Entrypoint": ["python", "/app/serve.py"],
            "WorkingDir": "/app",
            "Labels": {
                "org.opencontainers.image.title": "model-app",
                "org.opencontainers.image.version": f"1.0.{version}",
                "org.opencontainers.image.description": "The app's own files, a lock of its requirements and a model; "
                "no Python: one machine runs it with its own.",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [
            {"created": EPOCH, "created_by": "slipway build: app base"},
            {"created": EPOCH, "created_by": f"slipway build: model version {version}"},
        ],
    }
