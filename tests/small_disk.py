"""A file system of a few pages, for tests of a full disk."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """Mount a file system of that size (as of mount(8)) at a new directory; skips where this user may not."""
    directory.mkdir(parents=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    if subprocess.run(argv, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path, leave: int) -> None:
    """Fill the disk of a directory but for so many KiB."""
    with (directory / "ballast").open("wb", buffering=0) as file:
        found = os.statvfs(directory)
        file.write(bytes(max(0, found.f_bavail * found.f_frsize - leave * 1024)))
