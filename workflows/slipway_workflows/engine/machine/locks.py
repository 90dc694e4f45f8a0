"""Mutexes and semaphores between nodes, workflows and engine processes: flock on files, free when a caller dies."""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from slipway_workflows.engine.manifests.synchronization import Lock

SEMAPHORE_POLL = 0.1
"""Seconds between looks at a full semaphore: flock can wait for one file, not for the first of several."""


class Locks:
    """Takes locks in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextlib.contextmanager
    def held(self, files: list[int]) -> Iterator[None]:
        """Give the files back at the end, whatever that end."""
        try:
            yield
        finally:
            for file in files:
                os.close(file)

    async def take(self, locks: list[Lock], waits: Callable[[str], None], give_up: asyncio.Event) -> list[int] | None:
        """Open files that hold all the locks; `waits` gets a message whenever one is not free at once.

        None where `give_up` was set first.
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
        waiting = asyncio.ensure_future(self._block(self._paths(lock)[0]))
        stopping = asyncio.ensure_future(give_up.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else None
        finally:
            waiting.cancel()
            stopping.cancel()

    async def _block(self, path: Path) -> int:
        """Wait in a thread that may be left behind: a blocked flock cannot be called off."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[int] = loop.create_future()

        def deliver(file: int) -> None:
            if answer.done():
                os.close(file)
            else:
                answer.set_result(file)

        def block() -> None:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                loop.call_soon_threadsafe(deliver, file)
            except RuntimeError:
                os.close(file)  # the loop has ended meanwhile

        threading.Thread(target=block, daemon=True).start()
        return await answer
