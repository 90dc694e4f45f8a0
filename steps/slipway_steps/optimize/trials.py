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
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from slipway_steps.adapters.local.limits import Limits, make_limits
from slipway_steps.adapters.local.process_meter import ProcessMeter
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.knob import CPU_LIMIT, MEMORY_LIMIT
from slipway_steps.domain.performance import mebibytes
from slipway_steps.domain.quantity import parse_quantity

EVERY = 0.02
"""Seconds between two measurements of a step that takes some seconds."""
SHARE = 0.25
"""Most of one core that a measurement may take; it disturbs all sides alike."""
SECONDS = 900.0
"""Most seconds of one run."""
UNLIMITED = 2**50
"""Bytes that no machine has: a limit of CPU alone leaves memory as it is."""
SAME = 1e-6
"""Share by which numbers of equal results may differ: a sum in another order is another number in its last digits."""


class Trial(NamedTuple):
    """One run of a step: the peak of its memory in bytes, its seconds, and its results. `killed`: whether it has none,
    as it was killed at its memory limit.
    """

    peak: int
    seconds: float
    results: Any
    killed: bool = False


Run = Callable[[Mapping[str, str]], Trial]
"""Runs the step once with these environment variables."""


def run_program(command: Sequence[str], variables: Mapping[str, str]) -> Trial:
    """Run a program whose last line of output is its results as JSON, and measure all its processes. They run under the
    limits that the variables name.

    Raises Broken where it fails, prints no results, or takes too long, BadInput for a limit that is no quantity.
    """
    peak = 0
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryDirectory(prefix="slipway-trial-", ignore_cleanup_errors=True) as directory,
        _limited(variables) as limits,
    ):
        began = time.monotonic()
        child = subprocess.Popen(
            list(command),
            # what a trial that is killed leaves goes with this directory
            env={**os.environ, "TMPDIR": directory, **_seen(variables)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=limits.enter if limits else None,  # noqa: PLW1509 - the cgroup has to be entered before exec
        )
        try:
            if limits:
                limits.attach(child.pid)
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
            if limits:
                limits.detach()
        if code and limits and limits.oom_killed():
            return Trial(peak, seconds, None, killed=True)
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    if code:
        raise Broken(f"{' '.join(command[1:])} ended with exit code {code}: {' | '.join(lines[-3:])}")
    try:
        return Trial(peak, seconds, json.loads(lines[-1]))
    except (ValueError, IndexError) as error:
        raise Broken(f"{' '.join(command[1:])} printed no results") from error


def _seen(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in (CPU_LIMIT, MEMORY_LIMIT)}


@contextlib.contextmanager
def _limited(variables: Mapping[str, str]) -> Iterator[Limits | None]:
    """The limits that the variables name; None where they name none."""
    cores, memory = _quantity(variables, CPU_LIMIT, os.cpu_count() or 1), _quantity(variables, MEMORY_LIMIT, UNLIMITED)
    if not {CPU_LIMIT, MEMORY_LIMIT} & variables.keys():
        yield None
        return
    limits = make_limits(f"slipway-trial-{os.getpid()}-{time.monotonic_ns()}", int(memory), int(1000 * cores))
    try:
        yield limits
    finally:
        limits.close()


def _quantity(variables: Mapping[str, str], name: str, otherwise: int) -> Decimal:
    try:
        found = parse_quantity(variables.get(name, str(otherwise)))
    except ValueError as error:
        raise BadInput(f"a limit cannot be set: {error}", "such as 500m for CPU, or 512Mi for memory") from error
    if not found.is_finite() or not 0 < found <= UNLIMITED:
        raise BadInput(f"a limit cannot be {variables.get(name)}", "such as 500m for CPU, or 512Mi for memory")
    return found


def step_program(step: str, *given: str) -> list[str]:
    """The command that runs what a step computes once. given: see `trial_program`."""
    return [sys.executable, "-m", "slipway_steps.optimize.trial_program", step, *given]


def rounds(
    run: Run, sides: Sequence[Mapping[str, str]], number: int, told: Callable[[int], None] = lambda _: None
) -> list[list[Trial]]:
    """Run all sides so many times, in each round in random order. Returns the trials of each side, round by round.

    `told`: is called after each run with the number of runs that were made. One more run goes before, and does not
    count: it fills caches. A side of which a run was killed at its limit, or had other results, is not run again.
    Raises Broken where the first side, how the step stands, was killed.
    """
    wanted = run(sides[0])
    _not_killed(wanted)
    found: list[list[Trial]] = [[] for _ in sides]
    for _ in range(number):
        order = [at for at, trials in enumerate(found) if not at or not any(is_other(one, wanted) for one in trials)]
        random.shuffle(order)
        for at in order:
            found[at].append(run(sides[at]))
            told(sum(map(len, found)))
        _not_killed(found[0][-1])
    return found


def is_other(one: Trial, wanted: Trial) -> bool:
    """Whether a run has no results, or others than it should have."""
    return one.killed or not same_results(one.results, wanted.results)


def _not_killed(trial: Trial) -> None:
    if trial.killed:
        text = f"the step was killed at its memory limit, after a peak of {mebibytes(trial.peak)}"
        raise Broken(text, "say where it stands: --set memory-limit=4Gi")


def same_results(one: Any, other: Any) -> bool:
    """Whether two results are equal, numbers up to SAME."""
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_results, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_results(one[key], other[key]) for key in one)
    return bool(one == other)
