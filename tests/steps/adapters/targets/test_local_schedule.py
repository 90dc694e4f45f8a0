"""The timer of this machine: at most so many runs at a time, and no error ends it."""

import time
from collections.abc import Callable

import pytest

from slipway_steps.adapters.targets.local_schedule import LocalSchedule
from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_session import Firing


def fired(number: int, start: Callable[[], str], ended: Callable[[str], bool], most: int | None) -> list[Firing]:
    """The first firings of a schedule."""
    schedule = LocalSchedule(0.05, start, ended, most)
    deadline = time.monotonic() + 20
    while len(schedule.firings()) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    schedule.stop()
    return schedule.firings()[:number]


def test_a_firing_above_the_cap_is_missed() -> None:
    runs: list[str] = []

    def start() -> str:
        runs.append(f"r-{len(runs)}")
        return runs[-1]

    # the first run ends once two have been started; all others never do
    found = fired(8, start, lambda run: run == "r-0" and len(runs) > 1, most=3)
    assert [one.run for one in found if one.run] == runs == ["r-0", "r-1", "r-2", "r-3"]
    assert sum(one.started is None for one in found) == 4


@pytest.mark.parametrize("error", [BlockingIOError(11, "Resource temporarily unavailable"), Broken("no answer")])
def test_a_run_that_cannot_be_started_is_a_missed_firing(error: Exception) -> None:
    tries: list[int] = []

    def start() -> str:
        tries.append(1)
        if len(tries) == 2:
            raise error
        return f"r-{len(tries)}"

    found = fired(4, start, lambda run: True, most=None)
    assert [one.run for one in found] == ["r-1", "", "r-3", "r-4"]
    assert found[1].started is None
