"""A registry whose images one machine runs: it unpacks the app from them."""

import json
import tempfile
from pathlib import Path
from typing import Any

from slipway_steps.adapters.oci.blobs import Blobs, Descriptor
from slipway_steps.adapters.oci.layers import unpack_app
from slipway_steps.adapters.oci.registry import OciRegistry


class RunnableRegistry(OciRegistry):
    """Implements ports.Images with a registry, and unpacks images for the environments of one machine."""

    def config(self, digest: str) -> dict[str, Any]:
        """The config of an image: entry point, environment, user. Raises ImageError where it is missing or damaged."""
        name = str(self._read(digest)["config"]["digest"])
        with tempfile.TemporaryDirectory() as directory:
            found = self._pull(self.client, self.repository, name, Blobs(Path(directory)))
            config: dict[str, Any] = json.loads(found.read_bytes())
            return config

    def unpack(self, digest: str, target: Path) -> Path:
        """Unpack the app of an image to `target` and return it. Each blob is verified, `target` appears complete or not
        at all, and if it exists already, it is used as it is.

        The machine runs the app with its own Python, so the rest of the image is not unpacked. Raises ImageError.
        """
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target.parent) as directory:
            blobs, root = Blobs(Path(directory)), Path(directory) / "root"
            root.mkdir()
            for part in self._read(digest)["layers"]:
                self._pull(self.client, self.repository, str(part["digest"]), blobs)
                unpack_app(blobs, Descriptor(part["mediaType"], part["digest"], part["size"]), root)
            root.rename(target)
        return target

    def _read(self, digest: str) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self._manifest(self.client, self.repository, digest)[0])
        return manifest
