"""Unpacks a packaged model into a store, once for each digest."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from slipway_steps.adapters.handlers.archive_file import ArchiveFile
from slipway_steps.adapters.handlers.directory_files import DirectoryFiles
from slipway_steps.adapters.handlers.package_files import seal
from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.files import replace_file

NAME_ERRORS = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
"""What the file system says to a name that it does not take."""


@dataclass(frozen=True)
class Unpacked:
    """A packaged model that lies unpacked in `directory`, with files that are read-only.

    `digest` is `sha256:...` of the archive file, or of the names and contents of a directory; `size` is the bytes of
    the archive, or of all files of the directory.
    """

    directory: Path
    digest: str
    size: int


def unpack(source: Path, store: Path) -> Unpacked:
    """Unpack a `model.tar.gz`, or copy a directory with the same content, into
    `store/<first 16 digits of the digest>/package`, if it is not there whole already.

    Nothing is left in the store where this fails or is killed. Raises BadInput for what is no packaged model, or one
    that is not safe to unpack, and Broken where the store cannot be written, as on a full disk.
    """
    with DirectoryFiles(source, store) if source.is_dir() else ArchiveFile(source) as origin:
        place = store.absolute() / origin.digest.removeprefix("sha256:")[:16]
        unpacked = Unpacked(place / "package", origin.digest, origin.size)
        if not _is_whole(unpacked):
            try:
                _install(origin, unpacked, source)
            except OSError as error:
                reason = error.strerror or str(error)
                if error.errno in NAME_ERRORS:
                    fault = f"{source} has a name that cannot be a file here: {reason}"
                    raise BadInput(fault, "give its files shorter and plain names") from error
                raise Broken(
                    f"{source} could not be unpacked into {store}: {reason}", "make room or choose another place"
                ) from error
    return unpacked


def _install(origin: ArchiveFile | DirectoryFiles, unpacked: Unpacked, source: Path) -> None:
    place = unpacked.directory.parent
    with scratch(place.parent) as temporary:
        target = temporary.path / "package"
        origin.write(target)
        if not any(target.iterdir()):
            raise BadInput(f"{source} holds nothing", "name a packaged model")
        place.mkdir(exist_ok=True)
        with FileLock(place / "package.lock"):
            if _is_whole(unpacked):  # another process was faster
                return
            if os.path.lexists(unpacked.directory):
                unpacked.directory.rename(temporary.path / "damaged")
            target.rename(unpacked.directory)
            # last, and of what lies there: without it the next one unpacks anew
            replace_file(_seal_file(unpacked), f"{unpacked.digest} {seal(unpacked.directory)}\n")


def _is_whole(unpacked: Unpacked) -> bool:
    """Whether the package lies in the store as it was unpacked."""
    try:
        return _seal_file(unpacked).read_text() == f"{unpacked.digest} {seal(unpacked.directory)}\n"
    except (OSError, UnicodeDecodeError):
        return False


def _seal_file(unpacked: Unpacked) -> Path:
    return unpacked.directory.parent / "package.seal"
