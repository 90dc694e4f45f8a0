"""The files of a packaged model: which names they may have, how many they may be, and whether they are still whole."""

import hashlib
import os
import stat
from pathlib import Path

from slipway_steps.domain.errors import BadInput

MOST_NAMES = 10_000
"""Files and directories together, also those directories that only the names of files tell of."""
LONGEST_NAME = 4096
"""Bytes of a name with its directories; Linux takes no longer one."""
MOST_DEPTH = 100
"""Directories above a file. What makes and removes directories calls itself for each."""
MOST_BYTES = 5 * 1024**3
"""Bytes of all files together."""
PACK = "pack the model with: tar czf model.tar.gz -C DIRECTORY ."


def too_large(source: Path) -> BadInput:
    """The error for a package with too many bytes."""
    return BadInput(f"{source} holds more than {MOST_BYTES // 1024**3} GiB", "leave out what is no part of the model")


class Names:
    """The names that a package has had so far. `source` is the package in the words of errors."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._files: set[str] = set()
        self._directories: set[str] = {""}
        self._count = 0

    def add(self, name: str, *, directory: bool) -> str:
        """The name without `./` and doubled slashes; empty for the root of the package.

        Raises BadInput for a name that leads out of the package, that was there before, or that is one too many.
        """
        self._count += 1
        if len(os.fsencode(name)) > LONGEST_NAME or name.count("/") > MOST_DEPTH:
            fault = f"{self._source} has the name {name[:80]!r}..., which is too long or too deep"
            raise BadInput(fault, "give its files shorter names in fewer directories")
        parts = [part for part in name.split("/") if part not in {"", "."}]
        normal = "/".join(parts)
        if name.startswith("/"):
            raise BadInput(f"{self._source} has the absolute name {name!r}", PACK)
        if ".." in parts:
            raise BadInput(f"{self._source} has the name {name!r}, which may lead out of it", PACK)
        if "\0" in name or not (directory or normal):
            raise BadInput(f"{self._source} has the name {name!r}, which no file can have", PACK)
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        # a directory may come again, which changes nothing; of two files with one name only one would be kept
        if normal in self._files or (not directory and normal in self._directories) or self._files.intersection(above):
            raise BadInput(f"{self._source} has the name {name!r} twice", "give each file a name of its own")
        self._directories.update(above)
        (self._directories if directory else self._files).add(normal)
        if max(self._count, len(self._directories) + len(self._files)) > MOST_NAMES:
            fault = f"{self._source} has more than {MOST_NAMES:,} files and directories"
            raise BadInput(fault, "leave out what is no part of the model")
        return normal


def make_read_only(file: Path, *, executable: bool) -> None:
    """Let nobody write to the file. Directories stay writable, so that `rm -r` removes a package."""
    file.chmod(0o555 if executable else 0o444)


def seal(directory: Path) -> str:
    """A digest of the names, types, rights, sizes and times of all that lies in a directory. It changes when somebody
    has added, removed or written a file. Raises OSError.
    """
    lines = []
    for parent, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(parent, name)
            found = path.lstat()
            content = "" if stat.S_ISDIR(found.st_mode) else f"{found.st_size} {found.st_mtime_ns}"
            lines.append(f"{path.relative_to(directory)!r} {found.st_mode} {content}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
