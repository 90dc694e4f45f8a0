"""Removes a temporary directory when its owner is gone. A program of its own, of the standard library only.

Arguments: the directory, and the process id of the owner. It reads lines from its standard input, which only the owner
holds open: `+GROUP` when a process group begins to work in the directory, `-GROUP` when that group has ended. When the
input ends, the owner is gone for whatever reason: the groups that have not ended are killed, then the directory is
removed.
"""

import contextlib
import os
import select
import signal
import stat
import sys
import time

LOOK = 1.0
"""Seconds between two looks at whether the owner still lives. A process that the owner forked may hold the input open
after it, so the end of the input alone would not do.
"""
REMOVAL = 10.0
"""Most seconds for the removal: a killed process may still end a system call that writes."""


def wait_for_end(owner: int) -> set[int]:
    """Read what the owner reports until it is gone. Returns the process groups that have not ended."""
    groups: set[int] = set()
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], LOOK)
        if not ready:
            if os.getppid() != owner:
                return groups
            continue
        block = os.read(0, 65536)
        if not block:
            return groups
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))


def kill(groups: set[int]) -> None:
    """Kill all processes of the groups."""
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def make_removable(directory: str) -> None:
    """Give back the rights that somebody took from directories; only a user who is not root needs them."""
    for parent, names, _ in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118 - pathlib would double the time of the start
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(os.lstat(path).st_mode):
                    os.chmod(path, 0o700)  # noqa: PTH101


def main() -> None:
    """Wait for the end of the owner, then kill and remove."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    directory, owner = sys.argv[1], int(sys.argv[2])
    groups = wait_for_end(owner)
    import shutil  # only now: the owner waits for nobody who starts slowly

    sys.setrecursionlimit(20_000)  # a removal calls itself for each level of directories

    deadline = time.monotonic() + REMOVAL
    while True:
        kill(groups)
        make_removable(directory)
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory):
            return
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
