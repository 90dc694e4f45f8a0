"""A pair of pipes to a child process: lines there, lines back, with a time limit."""

import fcntl
import os
import select
import time
from contextlib import suppress

PIPE = 1 << 20
"""Bytes that a pipe holds, the most that an ordinary user may ask for: the child rarely waits for its reader."""
NAP = 0.003
"""Seconds between two looks at the answers of many requests. Waking up for each answer would slow the child down on a
busy machine."""


class Closed(Exception):
    """The child has closed its ends, usually because it ended."""


class TimedOut(Exception):
    """No whole line came in time."""


class Channel:
    """Two pipes. `child_ends` are the numbers for the child: what it reads from and what it writes to."""

    def __init__(self) -> None:
        read, self._send = os.pipe()
        self._receive, write = os.pipe()
        with suppress(OSError):  # this user's pipes are used up; a small one works too
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE)
        self.child_ends: tuple[int, ...] = (read, write)
        self._buffer = b""
        self._closed = False
        self._poll = select.poll()
        self._poll.register(self._receive, select.POLLIN)

    def watch(self, process: int) -> None:
        """Notice the end of the process with this descriptor (pidfd), even where something else keeps its ends open."""
        self._poll.register(process, select.POLLIN)

    def close_child_ends(self) -> None:
        """Close the child's ends in this process, once the child has been started."""
        for number in self.child_ends:
            os.close(number)
        self.child_ends = ()

    def send(self, data: bytes) -> None:
        """Send bytes. Raises Closed where nobody reads them."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._send, view) :]
        except BrokenPipeError:
            raise Closed from None

    def line(self, timeout: float, *, many: bool = False) -> bytes:
        """The next line, within `timeout` seconds. many: whether more lines will follow soon, which are then read
        together. Raises TimedOut or Closed.
        """
        until = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            if many:
                time.sleep(min(NAP, timeout))
            ready = [number for number, _ in self._poll.poll(max(0.0, until - time.monotonic()) * 1000)]
            if not ready:
                raise TimedOut
            if self._receive not in ready:
                raise Closed
            part = os.read(self._receive, 1 << 20)
            if not part:
                raise Closed
            self._buffer += part
        found, _, self._buffer = self._buffer.partition(b"\n")
        return found

    def close(self) -> None:
        """Close all ends of this process. Doing it twice changes nothing."""
        if not self._closed:
            self._closed = True
            for number in (*self.child_ends, self._send, self._receive):
                os.close(number)
