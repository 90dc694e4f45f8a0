"""What a process of the user's code prints: all of it is read, and the end is kept."""

import os
import threading
from collections import deque
from typing import IO

KEPT = 64 * 1024
"""Bytes that are kept of what is printed; the newest."""


def keep_end(stream: IO[bytes] | None, parts: "deque[bytes]") -> threading.Thread:
    """Read a stream to its end in a thread of its own, which is returned. `parts` get the newest `KEPT` bytes."""
    assert stream is not None  # noqa: S101 - the process was started with a pipe
    thread = threading.Thread(target=_read, args=(stream, parts), name="printed", daemon=True)
    thread.start()
    return thread


def _read(stream: IO[bytes], parts: "deque[bytes]") -> None:
    kept = 0
    with stream:
        while part := os.read(stream.fileno(), 8192):
            parts.append(part)
            kept += len(part)
            while kept > KEPT:
                kept -= len(parts.popleft())


def last_line(text: str) -> str:
    """The last line of a text that is not empty, "" where there is none; at most 300 characters."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")[:300]
