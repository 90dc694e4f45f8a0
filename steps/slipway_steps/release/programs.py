"""What the end of a user's program says: training, or pytest over their tests."""

import signal

from slipway_steps.domain.errors import BadInput, Broken, SlipwayError

ENDED_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)
"""A machine that is out of memory or shuts down ends a program by these; a program that fails does not."""


def failure(what: str, returncode: int, said: str) -> SlipwayError:
    """The error for a program that ended with `returncode` (negative: the number of a signal, as subprocess has it).

    Broken, which is tried again, only where something outside ended it: a program that fails would fail again.
    """
    if -returncode in ENDED_FROM_OUTSIDE:
        ended = f"was ended from outside by {signal.Signals(-returncode).name}"
        return Broken(f"{what} {ended}: {said}", "is the machine out of memory?")
    return BadInput(f"{what} ended with exit code {returncode}: {said}", "mend it; its output is above")
