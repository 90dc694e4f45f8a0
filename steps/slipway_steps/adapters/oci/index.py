"""index.json of an OCI layout: which tag points at which manifest. Changes are made under a lock, and the file is
replaced in one step.
"""

import json
from pathlib import Path
from typing import Any

from filelock import FileLock

from slipway_steps.adapters.oci.blobs import Descriptor
from slipway_steps.domain.errors import ImageError
from slipway_steps.files import replace_file

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"


class Index:
    """The tags of a layout. Errors of the file system are not translated here."""

    def __init__(self, root: Path) -> None:
        self.path = root / "index.json"
        self.lock = root / "index.lock"

    def digest(self, tag: str) -> str | None:
        """The digest that a tag points at, or None. Raises ImageError for a damaged index."""
        return next((str(entry["digest"]) for entry in self._entries() if _name(entry) == tag), None)

    def point(self, tag: str, manifest: Descriptor) -> None:
        """Point a tag at a manifest. Other tags stay, and so do the entries of other programs."""
        entry = manifest.as_dict() | {"annotations": {REF_NAME: tag}}
        with FileLock(self.lock):
            others = [found for found in self._entries() if _name(found) != tag]
            entries = sorted([*others, entry], key=lambda found: (_name(found), found["digest"]))
            replace_file(
                self.path,
                json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}, indent=1),
            )

    def _entries(self) -> list[dict[str, Any]]:
        try:
            found = json.loads(self.path.read_text())["manifests"]
            well = isinstance(found, list) and all(isinstance(entry["digest"], str) for entry in found)
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError):
            well = False
        if not well:
            raise ImageError(
                f"the index of the image store {self.path} is damaged",
                "remove it; tags are written again by the next release",
            )
        entries: list[dict[str, Any]] = found
        return entries


def _name(entry: dict[str, Any]) -> str:
    """The tag of an entry; "" for an entry without a tag, which another program wrote."""
    return str((entry.get("annotations") or {}).get(REF_NAME, ""))
