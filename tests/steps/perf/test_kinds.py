"""The kinds of performance tests: the knee of stress, and growing memory in soak."""

from pathlib import Path

import pytest
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import session

from slipway_steps.perf.kinds import memory_slope


def test_smoke_and_load_fill_in_what_is_left_out(tmp_path: Path) -> None:
    for kind, runs, most in (("smoke", 3, 1), ("load", 20, 5)):
        target = SleepingTarget(0.05)
        assert len(session(tmp_path, target, kind=kind, numTimes=None).runs) == runs
        assert target.most == most


def test_stress_names_the_knee(tmp_path: Path) -> None:
    target = SleepingTarget(0.15)
    target.limit_cores(4)
    found = session(tmp_path, target, kind="stress", numTimes=None)
    assert found.measures["knee runs at a time"] == 4
    assert found.notes[0].startswith("stress ended: the throughput stopped growing at 8 at a time; knee: 4 runs")
    assert found.measures["runs/min at 4"] > 3 * found.measures["runs/min at 1"]


def test_stress_ends_where_runs_fail(tmp_path: Path) -> None:
    # 2 + 4 runs at one and two at a time succeed
    found = session(tmp_path, SleepingTarget(0.05, fails=lambda number: number > 6), kind="stress", numTimes=None)
    assert found.measures["knee runs at a time"] == 2
    assert "8 of 8 runs failed at 4 at a time" in found.notes[0]


def test_stress_keeps_to_the_cap(tmp_path: Path) -> None:
    target = SleepingTarget(0.02)
    found = session(tmp_path, target, kind="stress", numTimes=None, concurrency=32, runTime=1)
    assert target.most <= 32
    assert "cap of 50" in found.notes[0]


@pytest.mark.parametrize(("leak", "slope"), [(1, 1.0), (0, 0.0)])
def test_soak_shows_a_leak_of_one_mib_a_run(tmp_path: Path, leak: int, slope: float) -> None:
    target = SleepingTarget(0.02)
    target.memory = lambda number: (100 + leak * number + (number * 7 % 3) / 10) * 2**20
    found = session(tmp_path, target, kind="soak", numTimes=None, runTime=1 / 60)
    assert found.measures["memory slope MiB/run"] == pytest.approx(slope, abs=0.02)
    assert ("memory grows" in found.notes[0]) is bool(leak)


def test_soak_with_few_runs_says_nothing(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(), kind="soak", numTimes=6)
    assert found.measures == {}
    assert "a slope needs 10" in found.notes[0]


def test_one_outlier_is_no_slope() -> None:
    assert memory_slope([2**20 * value for value in [100.0] * 15 + [900.0] + [100.0] * 15])[0] == 0
