"""The guardian: ends the steps of an engine that was killed. It is a program of its own, of the standard library only.

It reads lines from its standard input, which only the engine holds open: `+STEP GROUP` when a step begins (its number
and its process group), `-STEP` when it has ended. When the input ends, the engine is gone for whatever reason, and the
process groups of all steps that have not ended are killed. A parent-death signal would not do: it reaches only the
first process of a step, not the processes that this one has started.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Read what the engine reports until it is gone, then kill the process groups of the steps that still run."""
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
