"""Mutexes and semaphores between nodes, workflows and engine processes.

Each is a file that is locked with flock, or several files for a semaphore. The kernel frees them when an engine dies.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from slipway_workflows.engine.manifests.synchronization import Lock

SEMAPHORE_POLL = 0.1
"""Seconds between two tries to take a full semaphore: flock can wait for one file, not for any one of several."""


class Locks:
    """Takes the locks whose files lie in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextlib.contextmanager
    def held(self, files: list[int]) -> Iterator[None]:
        """Hold locks for as long as the context lasts. `files`: what `take` returned; they are closed at its end."""
        try:
            yield
        finally:
            for file in files:
                os.close(file)

    async def take(self, locks: list[Lock], waits: Callable[[str], None], give_up: asyncio.Event) -> list[int] | None:
        """Take all the locks, one after the other, and wait for those that are not free.

        `waits` is called with a message before each wait. Returns the descriptors of the locked files, for `held`; None
        where `give_up` was set before all locks were taken.
        """
        taken: list[int] = []
        try:
            for lock in locks:
                file = self._try(lock)
                if file is None:
                    waits(lock.message)
                    file = await self._wait(lock, give_up)
                if file is None:
                    break
                taken.append(file)
            else:
                result, taken = taken, []
                return result
            return None
        finally:
            for file in taken:
                os.close(file)

    def _paths(self, lock: Lock) -> list[Path]:
        self.directory.mkdir(parents=True, exist_ok=True)
        if lock.size == 1:
            return [self.directory / f"{lock.name}.lock"]
        return [self.directory / f"{lock.name}.{slot}.lock" for slot in range(lock.size)]

    def _try(self, lock: Lock) -> int | None:
        for path in self._paths(lock):
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                return file
        return None

    async def _wait(self, lock: Lock, give_up: asyncio.Event) -> int | None:
        if lock.size != 1:
            while not give_up.is_set():
                file = self._try(lock)
                if file is not None:
                    return file
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(give_up.wait(), SEMAPHORE_POLL)
            return None
        locked = _lock_in_thread(self._paths(lock)[0])
        stopping: asyncio.Future[Any] = asyncio.ensure_future(give_up.wait())
        taken = False
        try:
            await asyncio.wait({locked, stopping}, return_when=asyncio.FIRST_COMPLETED)
            taken = locked.done()
            return locked.result() if taken else None
        finally:
            stopping.cancel()
            # nobody gets a lock that comes just when the wait is cancelled: it has to be given back
            if not taken and not locked.cancel():
                os.close(locked.result())


def _lock_in_thread(path: Path) -> "asyncio.Future[int]":
    """The descriptor of a file, once its lock is taken. Raises OSError where the file cannot be opened.

    A thread waits for the lock, because a blocked flock cannot be cancelled. If the future has been cancelled when the
    thread gets the lock, the lock is given back.
    """
    loop = asyncio.get_running_loop()
    locked: asyncio.Future[int] = loop.create_future()
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def deliver() -> None:
        if locked.done():
            os.close(file)
        else:
            locked.set_result(file)

    def block() -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            loop.call_soon_threadsafe(deliver)
        except RuntimeError:
            os.close(file)  # the event loop has been closed meanwhile

    threading.Thread(target=block, daemon=True).start()
    return locked
