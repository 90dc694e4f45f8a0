"""Content-addressed blobs of an OCI layout: written whole or not at all, read only after their digest was checked."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from slipway_steps.domain.errors import ImageError

CHUNK = 1 << 20
"""Bytes read at a time: a 220 MiB layer is never in memory."""


@dataclass(frozen=True)
class Descriptor:
    """An OCI descriptor: `size` in bytes."""

    media_type: str
    digest: str
    size: int

    def as_dict(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class HashingFile:
    """A file that hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write and hash."""
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)


class Blobs:
    """blobs/sha256 of a layout."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "blobs" / "sha256"

    def path(self, digest: str) -> Path:
        """Where a blob lies, there or not. Raises ImageError for what is no sha256 digest."""
        algorithm, _, name = digest.partition(":")
        if algorithm != "sha256" or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise ImageError(f"{digest!r} is no sha256 digest", "images are named by digest, as build prints it")
        return self.directory / name

    @contextmanager
    def writing(self) -> Iterator[HashingFile]:
        """A blob under a temporary name; it gets its place when the block ends well, else it is removed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=self.directory)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                blob = HashingFile(file)
                yield blob
            temporary.chmod(0o644)
            temporary.replace(self.directory / blob.hash.hexdigest())
        finally:
            temporary.unlink(missing_ok=True)

    def write_json(self, content: dict[str, Any], media_type: str) -> Descriptor:
        """Write a manifest or config, its keys in order and without spaces, so that its digest is stable."""
        with self.writing() as blob:
            blob.write(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
        return Descriptor(media_type, f"sha256:{blob.hash.hexdigest()}", blob.size)

    def verified(self, digest: str) -> Path:
        """The file of a blob whose content is what its name says. Raises ImageError where it is missing or damaged."""
        path = self.path(digest)
        if not path.is_file():
            raise ImageError(f"blob {digest} is missing from the image store", "build the image again")
        found = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
        if found.hexdigest() != path.name:
            raise ImageError(
                f"blob {digest} in {self.directory} is damaged: its content has sha256:{found.hexdigest()[:12]}...",
                "remove that file and build the image again",
            )
        return path

    def read(self, digest: str) -> bytes:
        """The content of a small blob, verified."""
        return self.verified(digest).read_bytes()
