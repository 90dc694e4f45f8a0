"""A registry whose images one machine runs: it unpacks the app out of them."""

import json
import tempfile
from pathlib import Path
from typing import Any

from slipway_steps.adapters.oci.blobs import Blobs, Descriptor
from slipway_steps.adapters.oci.layers import unpack_app
from slipway_steps.adapters.oci.registry import OciRegistry


class RunnableRegistry(OciRegistry):
    """ports.Images on a registry, and what the environments of one machine deploy from."""

    def config(self, digest: str) -> dict[str, Any]:
        """The config of an image: entry point, environment, user. Raises ImageError where it is missing or damaged."""
        name = str(self._read(digest)["config"]["digest"])
        with tempfile.TemporaryDirectory() as directory:
            found = self._pull(self.client, self.repository, name, Blobs(Path(directory)))
            config: dict[str, Any] = json.loads(found.read_bytes())
            return config

    def unpack(self, digest: str, target: Path) -> Path:
        """The app of an image under `target`, verified blob by blob, whole or not at all; again it changes nothing.

        The machine runs it with its own Python, so that the rest of the image is left where it is. Raises ImageError.
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
