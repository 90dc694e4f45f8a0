"""Runs of a step side by side: in each round once with the knobs as they stand, and once with each change."""

import contextlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slipway_steps.adapters.local.process_meter import ProcessMeter
from slipway_steps.domain.errors import Broken

EVERY = 0.02
"""Seconds between two measurements of a step that takes some seconds."""
SHARE = 0.25
"""Most of one core that a measurement may take; it disturbs all sides alike."""
SECONDS = 900.0
"""Most seconds of one run."""
SAME = 1e-6
"""Share by which numbers of equal results may differ: a sum in another order is another number in its last digits."""


class Trial(NamedTuple):
    """One run of a step: the peak of its memory in bytes, its seconds, and its results."""

    peak: int
    seconds: float
    results: Any


Run = Callable[[Mapping[str, str]], Trial]
"""Runs the step once with these environment variables."""


def run_program(command: Sequence[str], variables: Mapping[str, str]) -> Trial:
    """Run a program whose last line of output is its results as JSON, and measure all its processes.

    Raises Broken where it fails, prints no results, or takes too long.
    """
    began, peak = time.monotonic(), 0
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            list(command),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            meter = ProcessMeter(child.pid, SHARE)
            while (sample := meter.sample()) is not None:
                peak = max(peak, sample.total.peak)
                if time.monotonic() - began > SECONDS:
                    raise Broken(f"a run took more than {SECONDS:.0f} s", "is this machine busy?")
                time.sleep(EVERY)
            code, seconds = child.wait(), time.monotonic() - began
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    if code:
        raise Broken(f"{' '.join(command[1:])} ended with exit code {code}: {' | '.join(lines[-3:])}")
    try:
        return Trial(peak, seconds, json.loads(lines[-1]))
    except (ValueError, IndexError) as error:
        raise Broken(f"{' '.join(command[1:])} printed no results") from error


def step_program(step: str, package: Path) -> list[str]:
    """The command that runs what a step computes once, on a packaged model."""
    return [sys.executable, "-m", "slipway_steps.optimize.trial_program", step, str(package)]


def rounds(
    run: Run, sides: Sequence[Mapping[str, str]], number: int, told: Callable[[int], None] = lambda _: None
) -> list[list[Trial]]:
    """Run all sides so many times, in each round in random order. Returns the trials of each side, round by round.

    `told`: is called after each run with the number of runs that were made. One more run goes before, and does not
    count: it fills caches.
    """
    run(sides[0])
    found: list[list[Trial]] = [[] for _ in sides]
    for _ in range(number):
        order = list(range(len(sides)))
        random.shuffle(order)
        for at in order:
            found[at].append(run(sides[at]))
            told(sum(map(len, found)))
    return found


def same_results(one: Any, other: Any) -> bool:
    """Whether two results are equal, numbers up to SAME."""
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_results, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_results(one[key], other[key]) for key in one)
    return bool(one == other)
