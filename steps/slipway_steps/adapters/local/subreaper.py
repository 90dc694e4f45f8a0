"""Lets a program account for processes of its tree that nobody waits for: daemons, and children of children that ended.

Linux adds the CPU time of a process to that of its parent once the parent has waited for it. An orphan goes to the
first process of the machine, and its time is nobody's. A subreaper gets the orphans of its own tree instead.
"""

import os
from contextlib import suppress

MARK = "SLIPWAY_PERF_SESSION"
"""The environment variable that every process of a performance test inherits; its value is its session's directory.

Another value, such as that of a session of the same name in another home, is another mark.
"""
PR_SET_CHILD_SUBREAPER = 36
"""Of <linux/prctl.h>."""


def become_subreaper() -> None:
    """Get the orphans of this process's tree from now on. Where the system knows no subreapers, nothing changes."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_ended() -> None:
    """Wait for all children that have ended, so that their CPU time counts as this process's. It is for the end of a
    program: a child that somebody still wants to wait for is lost to them.
    """
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
