"""The yardstick: a fixed piece of work, whose time tells a slow machine from a slow pipeline."""

import hashlib
import os
import time
from pathlib import Path

ROUNDS = 40
"""Rounds of hashing; with the write they take some 20 ms on a processor of the year 2025."""
BLOCK = b"slipway" * 60_000
"""What is hashed in each round: 420 kB, more than fits into the first cache."""


def yardstick(directory: Path) -> float:
    """Hash a fixed number of bytes, write the result and wait until it is stored; returns the seconds that it took.

    directory: where the file lies, on the disk that is measured; it is removed again. Raises OSError.
    """
    path = directory / f"yardstick-{os.getpid()}-{time.monotonic_ns()}"
    began = time.perf_counter()
    digest = hashlib.sha256()
    for _ in range(ROUNDS):
        digest.update(BLOCK)
    with path.open("wb") as file:
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds
