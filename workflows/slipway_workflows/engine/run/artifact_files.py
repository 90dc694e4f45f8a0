"""The files of artifacts: where they lie, and how they are copied."""

import errno
import os
import shutil
from pathlib import Path

from slipway_steps.files import tells_no_room
from slipway_workflows.engine.errors import NodeError

ARTIFACTS = "artifacts"
"""The directory of artifacts: of a run those of its own steps, of the home those that people have put there."""


def stored_artifact(directory: Path, key: str) -> Path | None:
    """The file or directory of an artifact: one of this run, whose directory is `directory`, or what people have put
    into the home; None for neither. Raises NodeError for a key that no file can have.
    """
    if "\0" in key:
        raise NodeError(f"artifact key {key!r} holds a NUL character", "no file can have it")
    places = (directory / key, directory.parents[1] / ARTIFACTS / key)
    return next((place for place in places if place.exists()), None)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a directory. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
    else:
        shutil.copy2(source, target)


def copy_readable(source: Path, target: Path) -> None:
    """Copy a file or a directory; what this user may not read in a directory is left out. Raises OSError, also where a
    file of a directory found no room.
    """
    if not source.is_dir():
        shutil.copy2(source, target)
        return
    try:
        shutil.copytree(source, target, symlinks=True)
    except shutil.Error as error:  # copytree raises it at its end, for all that it could not copy
        for _, place, why in error.args[0]:
            if tells_no_room(why):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place) from error
