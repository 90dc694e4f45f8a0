"""Removes a temporary directory when its owner is gone. A program of its own, of the standard library only.

Arguments: the directory, and the process id of the owner. It reads lines from its standard input, which only the owner
holds open: `+GROUP` when a process group begins to work in the directory, `-GROUP` when that group has ended, and
`/PATH` for a control group of such processes. When the input ends, the owner is gone for whatever reason: the groups
that have not ended are killed, and all processes whose environment names the directory; then the control groups and the
directory are removed.
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


def wait_for_end(owner: int) -> tuple[set[int], set[str]]:
    """Read what the owner reports until it is gone. Returns the process groups that have not ended, and the paths of
    control groups.
    """
    groups: set[int] = set()
    controls: set[str] = set()
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], LOOK)
        if not ready:
            if os.getppid() != owner:
                return groups, controls
            continue
        block = os.read(0, 65536)
        if not block:
            return groups, controls
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line[:1] == b"/":
                controls.add(os.fsdecode(line))
            else:
                (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))


def kill(groups: set[int]) -> None:
    """Kill all processes of the groups."""
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def kill_strays(directory: str) -> None:
    """Kill the processes that left their group: their environment still names the directory."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would double the time of the start
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(name)}/environ", "rb") as file:  # noqa: PTH123
                found = os.fsencode(directory + "/") in file.read()
            if found:
                os.kill(int(name), signal.SIGKILL)


def remove_control(path: str) -> None:
    """Kill what runs in a control group, and remove it."""
    with contextlib.suppress(OSError, ValueError):
        with open(f"{path}/cgroup.procs", encoding="ascii") as file:  # noqa: PTH123
            for line in file:
                os.kill(int(line), signal.SIGKILL)
        os.rmdir(path)  # noqa: PTH106


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
    groups, controls = wait_for_end(owner)
    import shutil  # only now: the owner waits for nobody who starts slowly

    sys.setrecursionlimit(20_000)  # a removal calls itself for each level of directories

    deadline = time.monotonic() + REMOVAL
    while True:
        kill(groups)
        kill_strays(directory)
        for path in controls:
            remove_control(path)
        make_removable(directory)
        shutil.rmtree(directory, ignore_errors=True)
        if not any(map(os.path.lexists, (directory, *controls))):
            return
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
