"""A process whose environment variables change all the time, as libraries do when they are imported."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def changing_variables() -> Iterator[None]:
    """Add and remove thousands of variables in a thread: the C library moves its list of them again and again."""
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            for number in range(3000):
                os.putenv(f"SLIPWAY_TEST_{number}", "changes")
            for number in range(3000):
                os.unsetenv(f"SLIPWAY_TEST_{number}")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
