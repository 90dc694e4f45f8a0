"""Locks between nodes, engines and killed engines."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slipway_steps.domain.errors import WorkflowInvalid
from slipway_workflows.engine.machine.locks import Locks
from slipway_workflows.engine.manifests.library import Library
from slipway_workflows.engine.manifests.synchronization import Lock, locks_of

MUTEX = Lock("m", "default/Mutex/m")


async def take(
    locks: Locks, lock: Lock, heard: list[str] | None = None, give_up: asyncio.Event | None = None
) -> list[int] | None:
    said = heard if heard is not None else []
    return await locks.take([lock], said.append, give_up or asyncio.Event())


def test_a_second_holder_waits_and_says_for_what(tmp_path: Path) -> None:
    async def both() -> list[str]:
        heard: list[str] = []
        first = await take(Locks(tmp_path), MUTEX)
        second = asyncio.create_task(take(Locks(tmp_path), MUTEX, heard))
        await asyncio.sleep(0.1)
        assert first and not second.done()
        with Locks(tmp_path).held(first):
            pass
        files = await asyncio.wait_for(second, 2)
        assert files
        with Locks(tmp_path).held(files):
            return heard

    assert asyncio.run(both()) == ["Waiting for default/Mutex/m lock. Lock status: 0/1"]


def test_a_semaphore_has_as_many_holders_as_its_size(tmp_path: Path) -> None:
    async def three() -> None:
        lock, locks = Lock("s", "default/ConfigMap/c/s", size=2), Locks(tmp_path)
        held = [await take(locks, lock) for _ in range(2)]
        third = asyncio.create_task(take(locks, lock))
        await asyncio.sleep(0.3)
        assert not third.done()
        with locks.held(held[0] or []):
            pass
        with locks.held([*(held[1] or []), *(await asyncio.wait_for(third, 2) or [])]):
            pass

    asyncio.run(three())


def test_waiting_ends_when_it_is_given_up(tmp_path: Path) -> None:
    async def give_up() -> None:
        held = await take(Locks(tmp_path), MUTEX)
        stop = asyncio.Event()
        waiting = asyncio.create_task(take(Locks(tmp_path), MUTEX, give_up=stop))
        await asyncio.sleep(0.1)
        stop.set()
        assert await asyncio.wait_for(waiting, 2) is None
        with Locks(tmp_path).held(held or []):
            pass
        await asyncio.sleep(0.1)  # the abandoned thread gets the lock now, and has to give it back
        again = await asyncio.wait_for(take(Locks(tmp_path), MUTEX), 2)
        with Locks(tmp_path).held(again or []):
            pass

    asyncio.run(give_up())


@pytest.mark.parametrize("ends_by", ["timeout", "give_up"])
def test_a_lock_that_comes_at_the_moment_the_wait_ends_is_given_back(tmp_path: Path, ends_by: str) -> None:
    async def late() -> None:
        held = await take(Locks(tmp_path), MUTEX)
        stop = asyncio.Event()
        waiting = asyncio.create_task(take(Locks(tmp_path), MUTEX, give_up=stop))
        await asyncio.sleep(0.1)
        with Locks(tmp_path).held(held or []):
            pass
        time.sleep(0.2)  # the waiting thread gets the lock, and this loop does not see it yet
        if ends_by == "timeout":
            waiting.cancel()
        else:
            stop.set()
        (files,) = await asyncio.gather(waiting, return_exceptions=True)
        with Locks(tmp_path).held(files if isinstance(files, list) else []):
            pass
        again = await asyncio.wait_for(take(Locks(tmp_path), MUTEX), 2)
        with Locks(tmp_path).held(again or []):
            pass

    asyncio.run(late())


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    code = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(1, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "m.lock")], stdout=subprocess.PIPE)
    assert holder.stdout
    holder.stdout.readline()

    async def wait() -> float:
        waiting = asyncio.create_task(take(Locks(tmp_path), MUTEX))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        holder.kill()
        began = time.monotonic()
        files = await asyncio.wait_for(waiting, 5)
        with Locks(tmp_path).held(files or []):
            return time.monotonic() - began

    assert asyncio.run(wait()) < 1
    holder.wait()
    holder.stdout.close()


def test_locks_come_in_one_order_and_need_their_config_map() -> None:
    spec = {"mutexes": [{"name": "b"}, {"name": "a"}, {"name": "b"}]}
    assert [lock.name for lock in locks_of(spec, Library())] == ["a", "b"]
    with pytest.raises(WorkflowInvalid, match="limits has no key k"):
        locks_of({"semaphores": [{"configMapKeyRef": {"name": "limits", "key": "k"}}]}, Library())


def test_a_lock_whose_file_cannot_be_opened_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    locks._paths(MUTEX)[0].mkdir(parents=True)

    async def refused() -> None:
        with pytest.raises(OSError, match="directory"):
            await asyncio.wait_for(take(locks, MUTEX), 2)

    asyncio.run(refused())
