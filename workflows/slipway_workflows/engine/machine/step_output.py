"""Captures the standard output of a step for `outputs.result`, while it goes to the step's log as well."""

import asyncio
import contextlib
import os

RESULT_LIMIT = 256 * 1024
"""Bytes at the end of standard output that become `outputs.result`, as in Argo."""


class CapturedOutput:
    """Copies the standard output of one step to its log, and remembers the last RESULT_LIMIT bytes.

    `log`: the descriptor of the open log file, which the caller closes.
    """

    def __init__(self, log: int) -> None:
        self._pipe, self.target = os.pipe()
        """`target` is the descriptor that the step gets as its standard output."""
        self._log = log
        self._end = bytearray()

    def begin(self) -> None:
        """Start to copy. Called once the step has its standard output: the engine's own copy of it is closed here, as
        the end of the output is only seen when nobody holds it open.
        """
        os.close(self.target)
        self.target = -1
        os.set_blocking(self._pipe, False)
        asyncio.get_running_loop().add_reader(self._pipe, self._read)

    def _read(self) -> bool:
        """Copy what can be read now; returns False where there is nothing more to read."""
        try:
            data = os.read(self._pipe, 65536)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._pipe)
            return False
        with contextlib.suppress(OSError):
            os.write(self._log, data)
        self._end += data
        if len(self._end) > 4 * RESULT_LIMIT:
            del self._end[:-RESULT_LIMIT]
        return True

    def finish(self) -> bytes:
        """Read what the step has written so far; returns the last RESULT_LIMIT bytes of it.

        It does not wait for the end of the output: a process that left the group may hold the pipe open for ever.
        """
        while self._read():
            pass
        return bytes(self._end[-RESULT_LIMIT:])

    def close(self) -> None:
        """Stop copying and close the pipe."""
        asyncio.get_running_loop().remove_reader(self._pipe)
        os.close(self._pipe)
        if self.target >= 0:
            os.close(self.target)
