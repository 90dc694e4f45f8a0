"""Until when a session of a performance test may run: it is written at all that a session makes on a cluster, so that
whoever finds it there can tell what a killed program has left from what still runs.
"""

import math
from contextlib import suppress
from datetime import UTC, datetime

from slipway_steps.domain.perf_scenario import PerfScenario

UNTIL = "slipway.dev/perf-until"
"""The annotation, or the tag of an experiment, with that time."""
MARGIN = 600
"""Seconds after the deadline of a session in which it still ends its runs, reads and removes them. The clocks of two
machines differ by less."""


def end_of(scenario: PerfScenario, begin: float, owner: str = "") -> str:
    """The time until which a session may run that begins at `begin` (Unix seconds), such as `2026-11-22T08:50:00Z`, and
    behind it the workflow that runs the session, where one does.
    """
    end = begin + (scenario.start_time + scenario.run_time) * 60 + MARGIN
    return f"{datetime.fromtimestamp(math.ceil(end), UTC):%Y-%m-%dT%H:%M:%SZ} {owner}".rstrip()


def read_end(text: str | None, owner: str = "") -> float:
    """What `end_of` has written, in Unix seconds; infinite where nothing, or nothing that can be read, is written.

    owner: the workflow that asks, before it runs a session. One of its own is over (0): an attempt before was lost.
    """
    time, _, told = (text or "").partition(" ")
    if owner and told == owner:
        return 0.0
    with suppress(ValueError):
        return datetime.fromisoformat(time).timestamp()
    return math.inf
