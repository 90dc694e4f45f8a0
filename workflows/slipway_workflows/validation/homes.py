"""The home that a scenario runs with: removed afterwards, and if its program was killed by the next validation."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slipway_steps.files import LOCK, lock_directory

HOME = "home"


@contextmanager
def own_home(directory: Path) -> Iterator[Path]:
    """A new home in the directory of a scenario, which is locked meanwhile. Raises OSError where that is impossible."""
    lock = lock_directory(directory)
    home = directory / HOME
    try:
        home.mkdir()
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        os.close(lock)


def remove_left(validations: Path) -> None:
    """Remove the homes of scenarios whose program is gone. validations: the directory of all validations."""
    for home in validations.glob(f"*/*/{HOME}"):
        with suppress(OSError):  # a program that lives holds the lock
            if (home.parent / LOCK).is_file():
                lock = lock_directory(home.parent)
                shutil.rmtree(home, ignore_errors=True)
                os.close(lock)
