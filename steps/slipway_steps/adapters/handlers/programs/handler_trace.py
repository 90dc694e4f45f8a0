"""Writes where the handler's code stood when its process ends: at a crash, an exit, or the end of its time."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import signal
import traceback
from collections.abc import Iterator

ASKED = signal.SIGUSR2
"""The signal that asks for a trace, before a process is killed because its time is over."""


@contextlib.contextmanager
def traced() -> Iterator[None]:
    """Write a trace of what ends the process inside of a `with` block to its error output, even if that is closed."""
    # a number that a handler which closes or opens files does not meet; not inherited by programs that it starts
    number = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, 520)
    own, leave = os.getpid(), os._exit
    with os.fdopen(number, "w") as stream:
        faulthandler.enable(stream, all_threads=False)
        faulthandler.register(ASKED, stream, all_threads=False, chain=False)

        def traced_exit(status: int) -> None:
            if os.getpid() == own:  # a process that the handler forked ends like this every time
                faulthandler.dump_traceback(stream, all_threads=False)
            leave(status)

        os._exit = traced_exit  # type: ignore[assignment]  # in its place: it ends with the real one
        try:
            yield
        except BaseException:
            traceback.print_exc(file=stream)
            stream.flush()
            raise
        finally:
            os._exit = leave
