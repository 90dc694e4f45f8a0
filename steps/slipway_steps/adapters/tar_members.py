"""Writes the files of tar archives that others made. Everything but regular files and directories is refused.

`filter="data"` of tarfile came with Python 3.11.4 and Debian's Python is older, so its checks are made here; where it
exists it looks at each member as well.
"""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath

MODE_FILE, MODE_PROGRAM = 0o644, 0o755
"""Rights of a file, and of one that its owner may execute. No archive may give others the right to write."""


class UnsafeMember(tarfile.TarError):
    """A member of an archive that is not written: a link, a device, or a name that leads out of the directory."""


def write_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path, name: str = "") -> None:
    """Write one member below `target`, over a file that is there. `name` replaces the member's own.

    Raises UnsafeMember, and OSError where it cannot be written.
    """
    path = PurePosixPath(name or member.name)
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise UnsafeMember(f"{member.name!r} is neither a regular file nor a directory")
    if path.is_absolute() or ".." in path.parts:
        raise UnsafeMember(f"{member.name!r} leads out of the directory")
    if known := getattr(tarfile, "data_filter", None):
        known(member, str(target))
    place = target / path
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    source = archive.extractfile(member)
    if source is None:
        raise UnsafeMember(f"{member.name!r} has no content")
    mode = MODE_PROGRAM if member.mode & 0o100 else MODE_FILE
    place.unlink(missing_ok=True)
    # a link that somebody puts there in between is not followed
    number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with source, os.fdopen(number, "wb") as file:
        shutil.copyfileobj(source, file)
    place.chmod(mode)
