"""Mutexes over all engines on one home: a file lock each, so that a killed holder holds nothing."""

import fcntl
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

POLL = 0.1
"""Seconds between two tries: a waiting release starts at once for a person, and costs nothing while it waits."""


@contextmanager
def holding(
    home: Path, names: Sequence[str], waiting: Callable[[str], None], given_up: Callable[[], bool]
) -> Iterator[bool]:
    """Hold the mutexes, in the order of their names, so that two who want the same never wait for each other.

    `waiting` is told the name that is waited for; False is given where `given_up` came true first.
    """
    directory = home / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name in sorted(set(names)):
            file = stack.enter_context((directory / f"{re.sub('[^A-Za-z0-9._-]', '_', name)}.lock").open("w"))
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if given_up():
                        yield False
                        return
                    if not told:
                        waiting(name)
                        told = True
                    time.sleep(POLL)
        yield True
