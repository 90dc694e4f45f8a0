"""Ends the processes of an engine that was killed: a program of its own, standard library only.

It reads `+STEP GROUP` and `-STEP` lines from its standard input, which only the engine holds open. When that ends, the
engine is gone, however it went, and the process groups that are left are killed. A parent-death signal would reach
the first process of a step only, not those it has started.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow the engine until it ends."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[str, int] = {}
    for line in sys.stdin:
        step, _, group = line[1:].strip().partition(" ")
        if line[0] == "+":
            groups[step] = int(group)
        else:
            groups.pop(step, None)
    for number in groups.values():
        with contextlib.suppress(OSError):
            os.killpg(number, signal.SIGKILL)


if __name__ == "__main__":
    main()
