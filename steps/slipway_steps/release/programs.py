"""Explains why a program of the user failed: the training program, or pytest over the user's tests."""

import signal

from slipway_steps.domain.errors import BadInput, Broken, SlipwayError

ENDED_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)
"""The signals by which a machine that is out of memory or shuts down ends a program. A failing program does not use
them.
"""


def failure(what: str, returncode: int, said: str) -> SlipwayError:
    """The error for a program that ended with `returncode`, as subprocess has it: a negative one is the number of a
    signal.

    Broken, which is retried, only where something outside ended the program. A program that fails by itself would fail
    again.
    """
    if -returncode in ENDED_FROM_OUTSIDE:
        ended = f"was ended from outside by {signal.Signals(-returncode).name}"
        return Broken(f"{what} {ended}: {said}", "is the machine out of memory?")
    return BadInput(f"{what} ended with exit code {returncode}: {said}", "correct it; see the log of this step")
