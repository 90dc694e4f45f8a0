"""Ctrl-C and SIGTERM while a session lasts: they end it, and neither lose what it measured nor leave what it made."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Handles both signals within a `with` block; only the main thread can, elsewhere nothing changes.

    A signal is noted in `interrupted`. What it does beside depends on what the session does: while `raising` it raises
    KeyboardInterrupt, as long as `stopping` it calls a function, and else it waits until the session is stored and all
    that it made is removed. A second Ctrl-C in that time raises KeyboardInterrupt, for people who will not wait.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._raises = False
        self._stop: Callable[[], object] | None = None
        self._waiting = 0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Begin to handle the signals; they wait."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in NUMBERS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Handle them as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal has returned

    def raising(self) -> None:
        """From now on a signal raises KeyboardInterrupt; so does this, where there was one."""
        self._raises, self._stop = True, None
        if self.interrupted:
            raise KeyboardInterrupt

    def stopping(self, stop: Callable[[], object]) -> None:
        """From now on a signal calls `stop`; so does this, where there was one."""
        self._raises, self._stop = False, stop
        if self.interrupted:
            stop()

    def waiting(self) -> None:
        """From now on a signal is only noted."""
        self._raises, self._stop = False, None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        if self._stop:
            self._stop()
            return
        self._waiting += number == signal.SIGINT and not self._raises
        if self._raises or self._waiting > 1:
            self._raises = False
            raise KeyboardInterrupt
