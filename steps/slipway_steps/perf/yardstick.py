"""The yardstick: a fixed piece of work, whose time tells a slow machine from a slow pipeline.

It runs where the driver runs, and so tells nothing about the nodes of a cluster.
"""

import hashlib
import os
import time
from pathlib import Path

from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_scenario import LEAST_RUNS
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.statistics import percentile

STEADY = 1.3
"""The largest ratio of the quartiles of the yardstick on a steady machine.

In 244 recorded runs of two shared cores (tests/perf/pool.jsonl), the next ten runs of the same code differed by over
10 % after 41 % of the blocks of ten runs below this ratio, and after 81 % of those above it.
"""
UNSTEADY = "the machine was not steady"
"""How the note of a machine that was not begins."""
ROUNDS = 40
"""Rounds of hashing; with the write they take some 20 ms on a processor of the year 2025."""
BLOCK = b"slipway" * 60_000
"""What is hashed in each round: 420 kB, more than fits into the first cache."""


def yardstick(directory: Path) -> float:
    """Hash a fixed number of bytes, write the result and wait until it is stored; returns the seconds that it took.

    directory: where the file lies, on the disk that is measured; it is removed again. Raises Broken where it cannot be
    written.
    """
    path = directory / f"yardstick-{os.getpid()}-{time.monotonic_ns()}"
    began = time.perf_counter()
    digest = hashlib.sha256()
    for _ in range(ROUNDS):
        digest.update(BLOCK)
    try:
        with path.open("wb") as file:
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        return time.perf_counter() - began
    except OSError as error:
        raise Broken(f"cannot write to {directory}: {error.strerror}", "is the disk full?") from error
    finally:
        path.unlink(missing_ok=True)


def usual_yardstick(session: PerfSession) -> float | None:
    """The median yardstick of the timed runs of a session on this machine, in seconds; None where nothing is known."""
    marks = _marks(session)
    return percentile(marks, 50) if marks else None


def unsteady(session: PerfSession) -> str:
    """That the machine was not steady while the runs of a session were timed, as a sentence; "" where it was, or
    nothing is known.
    """
    marks = _marks(session)
    if len(marks) < LEAST_RUNS:
        return ""
    low, high = percentile(marks, 25), percentile(marks, 75)
    if high <= STEADY * low:
        return ""
    apart = (
        f"took up to {1000 * low:.0f} ms before a quarter of the runs, and {1000 * high:.0f} ms or more before another"
    )
    return f"{UNSTEADY}: a fixed piece of work {apart}; measure again, or compare revisions in pairs"


def _marks(session: PerfSession) -> list[float]:
    """The yardsticks of the timed runs; none where other runs ran meanwhile, so that a slow pipeline slowed them."""
    if session.fingerprint.target != "local" or session.scenario.concurrency > 1:
        return []
    return [run.yardstick for run in session.timed if run.yardstick]
