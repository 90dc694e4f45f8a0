"""The image store of one machine: an OCI image layout on disk (image-spec 1.1). It needs no daemon and no root.

An image has a base layer (the app's own files) and one model layer. Both are uncompressed: weights hardly compress, and
gzip made building three times slower. The same input gives the same bytes: entries are sorted, times are zero, owners
are fixed.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slipway_steps.adapters.oci.blobs import STALE_AFTER, Blobs, Descriptor
from slipway_steps.adapters.oci.index import Index
from slipway_steps.adapters.oci.layers import app_entries, model_entries, unpack_layer, write_layer
from slipway_steps.domain.errors import ImageError
from slipway_steps.files import replace_file

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
USER = "10001"
"""The user of the image, as a number, so that a kubelet can check runAsNonRoot."""
EPOCH = "1970-01-01T00:00:00Z"


@contextmanager
def translated(what: str, root: Path) -> Iterator[None]:
    """Turns errors of the file system into ImageError. What was written until then has temporary names only."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(
            f"{what} in the image store {root} failed: {reason}", "is the disk full or read-only?"
        ) from error


class OciLayout:
    """Implements ports.Images with a directory. `app_directory` has the files of the app's base layer."""

    def __init__(self, root: Path, app_directory: Path) -> None:
        self.root = root
        self.app_directory = app_directory
        self.blobs = Blobs(root)
        self.index = Index(root)

    def build(self, package: Path, version: str, tag: str) -> str:
        """Build an image from the app's files and the model, tag it, and return its digest. The same input gives the
        same digest.
        """
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
        """Point a tag at a manifest of this store. Raises ImageError where it is missing."""
        with translated(f"tagging {tag}", self.root):
            path = self.blobs.path(digest)
            if not path.is_file():
                raise ImageError(f"image {digest} is not in the store {self.root}", "build it again")
            self.index.point(tag, Descriptor(MANIFEST_TYPE, digest, path.stat().st_size))

    def resolve(self, tag: str) -> str | None:
        """The digest that a tag points at, or None."""
        with translated(f"looking up {tag}", self.root):
            return self.index.digest(tag)

    def verify(self, digest: str) -> None:
        """Compute the digests of a manifest, its config and its layers again. Raises ImageError where one is missing or
        damaged.
        """
        with translated(f"reading {digest}", self.root):
            config, layers = self._manifest(digest)
            for part in (config, *(layer.digest for layer in layers)):
                self.blobs.verified(part)

    def config(self, digest: str) -> dict[str, Any]:
        """The config of an image: entry point, environment, user. Raises ImageError where it is missing or damaged."""
        with translated(f"reading {digest}", self.root):
            return self.blobs.read_json(self._manifest(digest)[0])

    def unpack(self, digest: str, target: Path) -> Path:
        """Unpack all layers of an image to `target` and return it. `target` appears complete or not at all; if it
        exists already, it is used as it is. Raises ImageError.
        """
        if target.is_dir():
            return target
        with translated(f"unpacking {digest} to {target}", self.root):
            config, layers = self._manifest(digest)
            self.blobs.verified(config)
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(target.parent)
            temporary = Path(tempfile.mkdtemp(prefix=".unpack-", dir=target.parent))
            try:
                for layer in layers:
                    unpack_layer(self.blobs, layer, temporary)
                temporary.chmod(0o755)  # mkdtemp's 0700 would keep out the user an app runs as
                _settle(temporary, target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        return target

    def _prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        marker = self.root / "oci-layout"
        if not marker.exists():
            replace_file(marker, '{"imageLayoutVersion": "1.0.0"}')
        self.blobs.remove_stale()

    def _manifest(self, digest: str) -> tuple[str, list[Descriptor]]:
        """The digest of the config, and the layers in their order from the bottom."""
        manifest = self.blobs.read_json(digest)
        try:
            layers = [Descriptor(part["mediaType"], part["digest"], part["size"]) for part in manifest["layers"]]
            return str(manifest["config"]["digest"]), layers
        except (KeyError, TypeError) as error:
            raise ImageError(
                f"blob {digest} is not an image manifest", "name an image by the digest that build printed"
            ) from error


def _settle(temporary: Path, target: Path) -> None:
    """Rename the directory to its final name. Another process may have created that already, with the same content."""
    try:
        temporary.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _remove_stale(directory: Path) -> None:
    """Remove directories of unpackings that were killed."""
    for path in directory.glob(".unpack-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > STALE_AFTER:
                shutil.rmtree(path, ignore_errors=True)


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
