"""The kinds of performance tests: the knee of stress, and growing memory in soak."""

from pathlib import Path

import pytest
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import session

from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.verdict import Verdict
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
    # 5 + 6 runs at one and two at a time succeed
    target = SleepingTarget(0.05, fails=lambda number: number > 11)
    found = session(tmp_path, target, kind="stress", numTimes=None, thresholds={"knee runs at a time": 2})
    assert found.measures["knee runs at a time"] == 2
    assert "8 of 8 runs failed at 4 at a time" in found.notes[0]
    assert [(one.concurrency, one.runs, one.failed, one.median) for one in found.levels()] == [
        (1, 5, 0, 0.05),
        (2, 6, 0, 0.05),
        (4, 8, 8, None),
    ]
    assert found.verdict is Verdict.PASS, "to fail at some concurrency is what it looks for"
    (runs,) = [check for check in found.checks if check.code == "runs"]
    assert runs.message == "5 runs succeeded"


def test_a_target_that_is_away_is_no_knee(tmp_path: Path) -> None:
    class Away(SleepingTarget):
        def read(self, run: str) -> RunSample:
            found = super().read(run)
            away = int(run.rpartition("-")[2]) > 11
            return found.model_copy(update={"outcome": RunOutcome.BROKEN, "message": "no room"}) if away else found

    found = session(tmp_path, Away(0.02), kind="stress", numTimes=None)
    assert "knee runs at a time" not in found.measures
    assert "the target could not be asked at 4 at a time; no knee up to 2" in found.notes[0]


def test_stress_is_judged_at_the_concurrency_that_it_begins_with(tmp_path: Path) -> None:
    """Where it ends differs from session to session; so would a median over all of its runs."""

    class Slower(SleepingTarget):
        def read(self, run: str) -> RunSample:
            # the more there are at a time, the slower; the first level has the numbers up to 5
            found = super().read(run)
            seconds = 1.0 if int(run.rpartition("-")[2]) <= 5 else 9.0
            return found.model_copy(update={"metrics": {"end-to-end": seconds}, "components": {"a": seconds}})

    found = session(tmp_path, Slower(0.02), kind="stress", numTimes=12)
    assert (found.median("end-to-end"), found.values("end-to-end")) == (1.0, [1.0] * 5)
    assert [step.seconds for step in found.steps()] == [1.0]
    assert [one.median for one in found.levels()] == [1.0, 9.0]


def test_stress_starts_no_more_runs_than_it_is_told(tmp_path: Path) -> None:
    target = SleepingTarget(0.05)
    found = session(tmp_path, target, kind="stress", numTimes=12)
    assert len(found.runs) == 11
    assert "4 at a time takes 8 runs, and 1 of 12 are left" in found.notes[0]


@pytest.mark.parametrize(
    ("fields", "up_to"),
    [
        ({"numTimes": 12}, "4 at a time takes 8 runs, and 1 of 12 are left; no knee up to 2 at a time"),
        ({"concurrency": 32, "runTime": 1}, "at the cap of 50 runs at a time; no knee up to 32 at a time"),
        ({"runTime": 0.4 / 60}, "at the end of runTime; no concurrency was finished"),
        ({"numTimes": 3}, "1 at a time takes 5 runs, and 3 of 3 are left; no concurrency was finished"),
    ],
)
def test_a_stress_test_that_ended_before_the_knee_has_none(
    tmp_path: Path, fields: dict[str, object], up_to: str
) -> None:
    """More runs at a time may have been more still: that nothing was too much yet is no regression."""
    told = {"kind": "stress", "numTimes": None, "thresholds": {"knee runs at a time": 100}} | fields
    found = session(tmp_path, SleepingTarget(0.2), **told)
    assert "knee runs at a time" not in found.measures
    assert up_to in found.notes[0]
    (knee,) = [check for check in found.checks if check.code == "knee runs at a time"]
    assert knee.verdict is Verdict.INCONCLUSIVE
    assert knee.message.endswith("ended before it was too much: give it more numTimes or runTime, or allowMore")
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_stress_test_that_fails_from_the_beginning_is_rejected(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(fails=lambda number: True), kind="stress", numTimes=None)
    assert found.verdict is Verdict.REJECT
    assert found.measures["knee runs at a time"] == 0
    assert found.notes[0].endswith("at 1 at a time; knee: none, the first concurrency was too much")


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


@pytest.mark.parametrize("kind", ["soak", ""])
def test_a_session_that_ends_at_the_cap_of_runs_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("slipway_steps.domain.perf_scenario.MOST_RUNS", 12)
    said = "ended after 12 runs, before runTime was over: allowMore: true lifts this cap"
    found = session(tmp_path, SleepingTarget(0.001), kind=kind, numTimes=None)
    assert (len(found.runs), said in found.notes) == (12, True)
    more = session(tmp_path, SleepingTarget(0.001), kind=kind, numTimes=None, allowMore=True, runTime=1 / 60)
    assert len(more.runs) > 12
    assert said not in more.notes
    told = session(tmp_path, SleepingTarget(0.001), kind=kind, numTimes=12)
    assert said not in told.notes, "it was asked for"
