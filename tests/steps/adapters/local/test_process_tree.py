"""The largest memory of real process trees."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_steps.adapters.local.process_tree import PeakMemory, children_of, resident_memory

MIB = 2**20
HELD = 60
"""MiB that the first process holds before it starts another."""


@contextmanager
def program(source: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """A program that holds memory, runs the source, and ends when its input does."""
    source = f"import os, subprocess, sys\nheld = bytearray(b'1') * {HELD * MIB}\n{source}\nsys.stdin.read()\n"
    command = [sys.executable, "-I", "-c", source, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def peak(pid: int) -> float:
    """MiB of a tree that rests, measured a few times."""
    memory = PeakMemory()
    memory.watch(pid)
    time.sleep(0.5)
    memory.close()
    return memory.take(pid) / MIB


def test_a_process_that_was_just_forked_counts_with_what_it_does_not_share() -> None:
    with program("if not os.fork():\n    mine = bytearray(b'1') * (40 * 2**20)") as process:
        until(lambda: sum(map(resident_memory, children_of(process.pid))) > (HELD + 40) * MIB)
        assert HELD + 40 < peak(process.pid) < HELD + 40 + 30


def test_a_process_that_has_all_memory_of_its_parent_counts_nothing(tmp_path: Path) -> None:
    # until its program begins, such a child has no memory of its own; here it waits for a reader of its output
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    source = "to = (os.POSIX_SPAWN_OPEN, 1, sys.argv[1], os.O_WRONLY, 0)\n"
    source += "os.posix_spawn('/bin/true', ['true'], {}, file_actions=[to])"
    with program(source, pipe) as process:
        until(lambda: list(children_of(process.pid)))
        found = peak(process.pid)
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    assert HELD < found < HELD + 30


def test_another_program_counts_whole() -> None:
    source = "child = 'import sys; held = bytearray(b\"1\") * (40 * 2**20); sys.stdin.read()'\n"
    source += "subprocess.Popen([sys.executable, '-I', '-c', child])"
    with program(source) as process:
        until(lambda: sum(map(resident_memory, children_of(process.pid))) > 40 * MIB)
        assert HELD + 40 < peak(process.pid) < HELD + 40 + 60
