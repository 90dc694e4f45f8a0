"""The content-addressed blobs of an OCI layout. A blob is written completely or not at all, and is read only after its
digest was checked.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from slipway_steps.domain.errors import ImageError

CHUNK = 1 << 20
"""Bytes read at a time, so that a layer of 220 MiB is never completely in memory."""
STALE_AFTER = 3600.0
"""Seconds after which a temporary file counts as left by a build that was killed. No build takes an hour."""


@dataclass(frozen=True)
class Descriptor:
    """An OCI descriptor: media type, digest, and size in bytes."""

    media_type: str
    digest: str
    size: int

    def as_dict(self) -> dict[str, Any]:
        """The descriptor as it is written in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class HashingFile:
    """A file that computes the digest of what is written to it. It has as much of a file's interface as writing an
    archive needs.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write the data and add it to the digest. Returns the number of bytes written."""
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.size

    @property
    def digest(self) -> str:
        """The digest of everything that was written so far."""
        return f"sha256:{self.hash.hexdigest()}"


class Blobs:
    """The directory blobs/sha256 of an OCI layout."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "blobs" / "sha256"

    def path(self, digest: str) -> Path:
        """The path of a blob, whether it exists or not. Raises ImageError for a text that is not a sha256 digest."""
        algorithm, _, name = digest.partition(":")
        if algorithm != "sha256" or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise ImageError(f"{digest!r} is not a sha256 digest", "images are named by digest, as build prints it")
        return self.directory / name

    @contextmanager
    def writing(self) -> Iterator[HashingFile]:
        """Yields a file for a new blob. The blob gets its name when the block ends without an exception, else the file
        is removed. An existing blob is replaced by the same content, which also repairs a damaged one.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=self.directory)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb", buffering=CHUNK) as file:
                blob = HashingFile(file)
                yield blob
            temporary.chmod(0o644)
            temporary.replace(self.path(blob.digest))
        finally:
            temporary.unlink(missing_ok=True)

    def write_json(self, content: dict[str, Any], media_type: str) -> Descriptor:
        """Write a manifest or config, with sorted keys and without spaces, so that the same content has the same
        digest.
        """
        with self.writing() as blob:
            blob.write(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
        return Descriptor(media_type, blob.digest, blob.size)

    def remove_stale(self) -> None:
        """Remove temporary files of builds that were killed."""
        for path in self.directory.glob(".new-*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > STALE_AFTER:
                    path.unlink()

    def verified(self, digest: str) -> Path:
        """The path of a blob whose content matches its digest. Raises ImageError where it is missing or damaged."""
        path = self.path(digest)
        if not path.is_file():
            raise ImageError(f"blob {digest} is missing from the image store {self.directory}", "build the image again")
        found = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
        if found.hexdigest() != path.name:
            raise ImageError(
                f"blob {digest} in {self.directory} is damaged: its content has sha256:{found.hexdigest()[:12]}...",
                "build the image again: that replaces the file",
            )
        return path

    def read(self, digest: str) -> bytes:
        """The content of a small blob, after its digest was checked."""
        return self.verified(digest).read_bytes()

    def read_json(self, digest: str) -> dict[str, Any]:
        """The content of a manifest or config, after its digest was checked. Raises ImageError for a blob that is
        neither.
        """
        try:
            found = json.loads(self.read(digest))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ImageError(f"blob {digest} is not a JSON object", "images are named by the digest of their manifest")
        return found
