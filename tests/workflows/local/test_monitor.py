"""What the monitor makes of what it has seen. Whole runs are measured in tests of the command."""

from pathlib import Path

import pytest
from engine_runs import Ran, pod

from slipway_workflows.local.monitor import Idle, RunMonitor, Timing, queued_while_idle, stored_performance


@pytest.mark.parametrize(
    ("idle", "waits", "expected"),
    [
        ([Idle(0, 10, 1.5)], [Timing("a", 2, 5)], (3, 1.5)),
        ([Idle(0, 10, 0.9)], [Timing("a", 2, 5)], (0, 0)),  # no whole core was idle
        ([Idle(0, 1, 1.0), Idle(1, 2, 3.0)], [Timing("a", 0, 2), Timing("b", 0, 2)], (2, 2.0)),
        ([Idle(0, 1, 2.0)], [Timing("a", 5, 6)], (0, 0)),
        ([], [Timing("a", 5, 6)], (0, 0)),
    ],
)
def test_waits_count_where_a_core_was_idle(
    idle: list[Idle], waits: list[Timing], expected: tuple[float, float]
) -> None:
    assert queued_while_idle(idle, waits) == pytest.approx(expected)


def test_of_a_run_that_has_ended_nothing_is_measured(tmp_path: Path) -> None:
    ran = Ran(tmp_path, pod("main"))
    monitor = RunMonitor(ran.directory)
    assert not monitor.sample()
    found = monitor.performance()
    assert (found.finished, found.steps, found.run.peak) == (True, [], 0)
    assert found.recommendations() == []


def test_what_was_measured_is_read_again_and_damage_is_nothing(tmp_path: Path) -> None:
    ran = Ran(tmp_path, pod("main"))
    assert stored_performance(ran.directory) is None
    stored = RunMonitor(ran.directory).store()
    assert stored_performance(ran.directory) == stored
    (ran.directory / "performance.json").write_text("{")
    assert stored_performance(ran.directory) is None
