"""A packaged model as a directory with the same content as an archive."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from slipway_steps.adapters.handlers.package_files import MOST_BYTES, Names, make_read_only, too_large
from slipway_steps.domain.errors import BadInput

BLOCK = 1024**2


class _Entry(NamedTuple):
    name: str
    directory: bool
    executable: bool = False


class DirectoryFiles:
    """A directory whose files are read twice: for the digest and for the copy, which must not differ."""

    def __init__(self, source: Path, store: Path) -> None:
        """`store` may lie in the directory, as `.slipway` does where somebody works in it. That part is left out, and
        so is `__pycache__`, which Python writes by itself. Raises BadInput.
        """
        self._source = source.resolve()
        self._left_out = _first_part(store.resolve(), self._source)
        self.size = 0
        try:
            self._entries = sorted(self._scan())
            self.digest = self._digest(None)
        except OSError as error:
            raise BadInput(
                f"{error.filename} cannot be read: {error.strerror}", "give its owner's user the right to read it"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    def write(self, target: Path) -> None:
        """Copy into a new directory. Raises BadInput where a file has changed meanwhile, OSError for a full disk."""
        target.mkdir()
        if self._digest(target) != self.digest:
            raise BadInput(f"{self._source} was written to while it was copied", "wait until it is complete")

    def _scan(self) -> Iterator[_Entry]:
        names = Names(self._source)
        for parent, directories, files in os.walk(self._source, onerror=_raise):
            top = Path(parent) == self._source
            directories[:] = [
                one for one in directories if one != "__pycache__" and not (top and one == self._left_out)
            ]
            for path in (Path(parent, one) for one in (*directories, *files)):
                found = path.lstat()
                directory = stat.S_ISDIR(found.st_mode)
                if not directory and not stat.S_ISREG(found.st_mode):
                    kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no regular file"
                    fault = f"the packaged model has {str(path)!r}, which is {kind}"
                    raise BadInput(fault, "only regular files and directories may be in a package")
                name = names.add(path.relative_to(self._source).as_posix(), directory=directory)
                self.size += 0 if directory else found.st_size
                if self.size > MOST_BYTES:
                    raise too_large(self._source)
                yield _Entry(name, directory, bool(found.st_mode & 0o100))

    def _digest(self, target: Path | None) -> str:
        """The digest of names and contents; with a target, of what was copied there."""
        total = hashlib.sha256()
        for name, directory, executable in self._entries:
            total.update(os.fsencode(name) + b"\0")
            if directory:
                total.update(b"directory\n")
                if target is not None:
                    (target / name).mkdir()
                continue
            content = self._read(name, target)
            total.update(f"{'executable' if executable else 'file'} {content}\n".encode())
            if target is not None:
                make_read_only(target / name, executable=executable)
        return "sha256:" + total.hexdigest()

    def _read(self, name: str, target: Path | None) -> str:
        content = hashlib.sha256()
        handle = os.open(self._source / name, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file, Path(target / name if target else os.devnull).open("wb") as copy:
            while block := file.read(BLOCK):
                content.update(block)
                copy.write(block)
        return content.hexdigest()


def _first_part(inner: Path, outer: Path) -> str:
    """The first part of the way from a directory to what lies in it; empty for what does not."""
    return inner.relative_to(outer).parts[0] if outer in inner.parents else ""


def _raise(error: OSError) -> None:
    raise error
