"""Of what a handler prints the end is kept, and all of it is read."""

import os
from collections import deque

from slipway_steps.adapters.handlers.printed import KEPT, keep_end, last_line


def test_a_flood_is_read_and_its_end_is_kept() -> None:
    read, write = os.pipe()
    parts: deque[bytes] = deque()
    thread = keep_end(os.fdopen(read, "rb"), parts)
    with os.fdopen(write, "wb") as file:
        file.write(b"x" * (4 * KEPT) + b"the end")
    thread.join(10)
    kept = b"".join(parts)
    assert not thread.is_alive()
    assert kept.endswith(b"the end")
    assert len(kept) <= KEPT


def test_the_last_line_is_short_and_not_empty() -> None:
    assert last_line("first\nlast\n\n  \n") == "last"
    assert last_line("") == ""
    assert len(last_line("x" * 1000)) == 300
