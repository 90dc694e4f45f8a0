"""Whether a run could not end well because the disk of its session was full: then nothing is known of its pipeline."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import PlatformError
from slipway_steps.files import NO_ROOM, no_room, tells_no_room

HINT = "make room, or choose another --home"
SCARCE_BYTES, SCARCE_SHARE = 2**30, 0.1
"""A disk with less room than both is nearly full: a step may fill it and free it again between two looks."""


class DiskWatch:
    """When the disk of a directory was last seen to be full, or nearly full.

    What a step or the engine says about a full disk goes to files on that disk, and may be lost for the same reason.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen, self._said = 0.0, ""
        self._nearly_seen = 0.0

    def look(self) -> None:
        """Look at the disk now."""
        with suppress(OSError):  # the directory is not there yet, or not any more
            if said := no_room(self.directory):
                self._seen, self._said = time.time(), said
            if said or _is_scarce(self.directory):
                self._nearly_seen = time.time()

    def full_since(self, moment: float) -> str:
        """What was seen, where the disk was full at or after that moment (Unix seconds); else ""."""
        return self._said if self._seen >= moment else ""

    def nearly_full_since(self, moment: float) -> bool:
        """Whether the disk was full or nearly full at or after that moment (Unix seconds)."""
        return self._nearly_seen >= moment


def _is_scarce(directory: Path) -> bool:
    """Whether the disk of a directory is nearly full, in bytes or in files. Raises OSError."""
    found = os.statvfs(directory)
    bytes_left = found.f_bavail * found.f_frsize
    few_files = bool(found.f_files) and found.f_favail < SCARCE_SHARE * found.f_files
    return few_files or bytes_left < min(SCARCE_BYTES, SCARCE_SHARE * found.f_blocks * found.f_frsize)


@contextmanager
def written(what: str) -> Iterator[None]:
    """Raises PlatformError where the block cannot write its files. what: is written."""
    try:
        yield
    except OSError as error:
        raise PlatformError(f"cannot write {what}: {error.strerror or error}", HINT) from error


def told_in(home: Path, status: Mapping[str, Any], *, nearly_full: bool) -> str:
    """That a run has met a full disk of its home, as its files tell; "" where they do not.

    What the engine says of its own writes is believed. What a step says may be of another disk, such as /dev/shm, or no
    more than text: it is believed only where the disk of the home was seen `nearly_full` while the run ran.

    home: of the run. status: of its stored workflow; empty where the engine could not write it.
    """
    for node in (status.get("nodes") or {}).values():
        message = str(node.get("message") or "")
        if tells_no_room(message) and (nearly_full or _is_engines(node, message, home)):
            return f"{NO_ROOM[0]}: {message}"
    own = [*home.glob("runs/*/*.log"), *([] if status else home.glob("*.txt"))]
    said = [*home.glob("*.txt"), *home.glob("runs/*/logs/*.log")] if nearly_full else []
    for path in (*own, *said):
        with suppress(OSError), path.open(errors="replace") as file:
            if line := next(filter(tells_no_room, file), ""):
                return f"{path.name} says: {line.strip()[-300:]}"
    return ""


def _is_engines(node: Mapping[str, Any], message: str, home: Path) -> bool:
    """Whether the words about a full disk are the engine's: of a step whose files it could not prepare or keep, or what
    it saw of the home's disk when the step ended. Else the message of a step that failed holds what the step said.
    """
    seen = rf"; {re.escape(NO_ROOM[0])}: (\d+ KiB are free|no further file can be made) in {re.escape(str(home))}\S*$"
    return (node.get("type") == "Pod" and node.get("phase") == "Error") or re.search(seen, message) is not None
