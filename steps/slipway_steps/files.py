"""Writes files that other processes read, locks directories while a program works in them, and tells a full disk."""

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Replace a file in one step, so that nobody ever reads half of it. A write that fails leaves the old file.

    Raises OSError.
    """
    replace_file_by_pieces(path, [text])


def replace_file_by_pieces(path: Path, pieces: Iterable[str]) -> None:
    """As `replace_file`, for a text that is too long to be in memory as a whole.

    Raises OSError, and whatever `pieces` raises.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(pieces)
        # mkstemp's 0600 would keep out another user who may read the directory
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


LOCK = "lock"
"""The file in a directory that is locked while the program that works in it lives."""


def lock_directory(directory: Path) -> int:
    """Create a directory where it is missing, and lock it; returns the open file that holds the lock.

    The kernel frees the lock when the file is closed, or the program ends for whatever reason. Raises BlockingIOError
    where another program holds it, OSError where the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file


NO_ROOM = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
"""How the system says that a disk is full, or the share of it that a user may have."""
LEAST_ROOM = 64 * 1024
"""Bytes that a disk which is not full has at least: more than what a write leaves that was refused."""


def tells_no_room(text: str) -> bool:
    """Whether a message of any program says that a disk was full."""
    return any(said in text for said in NO_ROOM)


def no_room(directory: Path) -> str:
    """That the disk of a directory is full, in the words that `tells_no_room` knows; "" where it is not."""
    found = os.statvfs(directory)
    room = found.f_bavail * found.f_frsize
    if room < LEAST_ROOM:
        return f"{NO_ROOM[0]}: {room // 1024} KiB are free in {directory}"
    if found.f_files and not found.f_favail:
        return f"{NO_ROOM[0]}: no further file can be made in {directory}"
    return ""
