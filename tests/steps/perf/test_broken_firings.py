"""Firings of a schedule whose runs the target itself could not start."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import check, session

from slipway_steps.domain.perf_session import Firing
from slipway_steps.domain.verdict import Verdict


def test_a_run_that_the_target_cannot_start_is_no_missed_firing(tmp_path: Path) -> None:
    class Full(SleepingTarget):
        def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
            self.told = [Firing(due=1.0, started=1.0, run=self.submit({})) for _ in range(5)]
            self.told += [Firing(due=2.0, broken="No space left on device")] * 5
            return "timer"

        def firings(self, schedule: str) -> Sequence[Firing]:
            return self.told

    found = session(tmp_path, Full(), mode="SCHEDULED_RUNS", numTimes=10, runTime=1 / 120)
    assert (found.verdict, check(found, "firings"), check(found, "target")) == (
        Verdict.ERROR,
        Verdict.PASS,
        Verdict.ERROR,
    )
    (one,) = [one for one in found.checks if one.code == "target"]
    said = "the target could not start a run at 5 of 10 firings; the first: No space left on device"
    assert one.message == said
