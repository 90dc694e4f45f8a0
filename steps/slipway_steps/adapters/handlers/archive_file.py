"""A packaged model as a file: a tar archive packed with gzip, as SageMaker takes it."""

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from pathlib import Path
from typing import IO, Self

from slipway_steps.adapters.handlers.package_files import MOST_BYTES, PACK, Names, make_read_only, too_large
from slipway_steps.adapters.tar_members import write_member
from slipway_steps.domain.errors import BadInput

MOST_RATIO = 200
"""Unpacked bytes for each packed one. Weights hardly shrink, and source text shrinks to a fifth."""
FREE_BYTES = 16 * 1024**2
"""Bytes that may be unpacked whatever the ratio: tar pads each file with zeros, and a small package of repeated text
shrinks a lot, while so few bytes harm nobody.
"""
MOST_HEADER = 1024**2
"""Bytes of one file's header. tarfile reads a header into memory whole, and a name has at most 4096 bytes."""
BLOCK = 64 * 1024


class ArchiveFile:
    """An archive that stays open from its digest to its unpacking, so that both are of the same file."""

    def __init__(self, source: Path) -> None:
        """Raises BadInput for what is no gzip file or cannot be read."""
        self._source = source
        try:
            # a pipe that nobody writes to would otherwise be waited for
            self._file: IO[bytes] = os.fdopen(os.open(source, os.O_RDONLY | os.O_NONBLOCK), "rb")
            self._before = os.fstat(self._file.fileno())
            start = self._file.read(262)
            self._file.seek(0)
            self.digest = "sha256:" + hashlib.file_digest(self._file, "sha256").hexdigest()
        except OSError as error:
            raise BadInput(
                f"{source} cannot be read: {error.strerror}", "give a model.tar.gz or a directory"
            ) from error
        self.size = self._before.st_size
        if fault := _other_format(start):
            self._file.close()
            raise BadInput(f"{source} {fault}", PACK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, target: Path) -> None:
        """Unpack into a new directory. Raises BadInput for what may not be in a package, OSError for a full disk."""
        self._file.seek(0)
        stream = _Stream(self._source, self._file, self.size)
        try:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
                self._extract(archive, stream, target)
            stream.drain()
        except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
            raise self._damaged(str(error)) from error
        except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
            # what tarfile raises for headers that nobody writes in good faith
            raise self._damaged(f"a header cannot be read ({type(error).__name__})") from error
        after = os.fstat(self._file.fileno())
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise BadInput(f"{self._source} was written to while it was unpacked", "wait until it is complete")

    def _extract(self, archive: tarfile.TarFile, stream: "_Stream", target: Path) -> None:
        names = Names(self._source)
        target.mkdir()
        while True:
            stream.allow(MOST_HEADER)
            member = archive.next()
            if member is None:
                return
            name = names.add(member.name, directory=member.isdir())
            if member.isdir():
                (target / name).mkdir(parents=True, exist_ok=True)
                continue
            if not member.isreg() or member.issparse() or member.size < 0:
                fault = f"{self._source} has {member.name!r}, which is {_kind(member)}"
                raise BadInput(
                    fault, "only regular files and directories may be in a package; tar -h packs what links lead to"
                )
            stream.allow(member.size + MOST_HEADER)
            write_member(archive, member, target, name)
            make_read_only(target / name, executable=bool(member.mode & 0o100))

    def _damaged(self, why: str) -> BadInput:
        return BadInput(f"{self._source} is damaged or cut off: {why.rstrip('.')}", "copy or pack it again")


class _Stream(io.BufferedIOBase):
    """The unpacked bytes of a gzip file, counted while they are read."""

    def __init__(self, source: Path, packed: IO[bytes], packed_size: int) -> None:
        super().__init__()
        self._source = source
        self._unpacked = gzip.GzipFile(fileobj=packed, mode="rb")
        self._most = max(FREE_BYTES, MOST_RATIO * packed_size)
        self._count = 0
        self._allowed = MOST_HEADER

    def allow(self, size: int) -> None:
        """Expect at most this many bytes until the next call."""
        self._allowed = self._count + size

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes. Raises BadInput where they are too many."""
        data = self._unpacked.read(size)
        self._count += len(data)
        if self._count > MOST_BYTES + MOST_HEADER:
            raise too_large(self._source)
        if self._count > self._most:
            fault = f"{self._source} unpacks to more than {MOST_RATIO} times its size"
            raise BadInput(fault, "such an archive could fill the disk; leave out what is no part of the model")
        if self._count > self._allowed:
            raise BadInput(f"{self._source} has a header of more than {MOST_HEADER // 1024**2} MiB", PACK)
        return data

    def drain(self) -> None:
        """Read what follows the last file, so that gzip compares its checksum."""
        self.allow(MOST_BYTES)
        while self.read(BLOCK):
            pass


class _Member(tarfile.TarInfo):
    """A header. tarfile takes a damaged one for the end of the archive; here it is an error."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not bytes(buf).strip(b"\0"):  # this is what the end looks like
                raise
            raise tarfile.ReadError(str(error)) from error


def _other_format(start: bytes) -> str:
    """What a file is that is no gzip file, told from its first bytes; empty for a gzip file."""
    if start.startswith(b"\x1f\x8b"):
        return ""
    if not start:
        return "is empty"
    if start.startswith(b"PK"):
        return "is a zip file, not a tar archive packed with gzip"
    if start[257:262] == b"ustar":
        return "is a tar archive that is not packed with gzip"
    return "is not packed with gzip"


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return f"a {'symbolic' if member.issym() else 'hard'} link to {member.linkname!r}"
    return "a sparse file" if member.issparse() else "a device, a pipe or of an unknown kind"
