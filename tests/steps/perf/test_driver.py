"""A session from its first to its last run: what is counted, what is judged, and that it is stored and cleaned up."""

import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from steps.perf.sleeping_target import SleepingTarget

from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession, RunOutcome, RunSample
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf import store
from slipway_steps.perf.clean import clean
from slipway_steps.perf.driver import run_session, scenario_digest
from slipway_steps.perf.limits import limits_of
from slipway_steps.perf.plugins import PerformancePlugin
from slipway_steps.perf.runner import Runner
from slipway_steps.perf.store import read_session, read_unfinished


def session(
    tmp_path: Path,
    target: SleepingTarget,
    modes: dict[str, type[Runner]] | None = None,
    plugins: dict[str, PerformancePlugin] | None = None,
    **fields: object,
) -> PerfSession:
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text("kind: Workflow")
    told = {"mode": "PIPELINE_RUN", "pipelineFileName": "pipeline.yaml", "numTimes": 6, "warmUp": 0} | fields
    scenario = PerfScenario.model_validate({key: value for key, value in told.items() if value is not None})
    directory = tmp_path / "perf"
    return run_session(
        scenario, target, directory=directory, pipeline=pipeline, revision="r", modes=modes, plugins=plugins
    )


def check(found: PerfSession, code: str) -> Verdict:
    return next(one.verdict for one in found.checks if one.code == code)


def test_runs_are_started_so_many_at_a_time(tmp_path: Path) -> None:
    target = SleepingTarget(0.1)
    found = session(tmp_path, target, numTimes=9, concurrency=3)
    assert (len(found.runs), target.most, found.verdict) == (9, 3, Verdict.PASS)
    assert {run.concurrency for run in found.runs} == {3}
    assert all(run.yardstick and run.yardstick > 0 for run in found.runs)
    assert target.removed == [found.name]
    assert found.unmeasured == target.unmeasured


def test_warm_up_runs_are_not_counted(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(fails=lambda number: number <= 2), warmUp=2)
    assert [run.warm_up for run in found.runs] == [True, True, *[False] * 6]
    assert (len(found.counted), found.verdict) == (6, Verdict.PASS)


def test_the_start_is_delayed(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(), startTime=0.5 / 60)
    assert min(run.started for run in found.runs) - found.started >= 0.5


def test_runs_are_ended_at_the_deadline_and_counted(tmp_path: Path) -> None:
    target = SleepingTarget(60)
    began = time.monotonic()
    found = session(tmp_path, target, runTime=1 / 60, concurrency=2)
    assert time.monotonic() - began < 5
    assert [run.outcome for run in found.runs] == [RunOutcome.UNFINISHED] * 2
    assert len(target.stopped) == 2
    assert (found.verdict, check(found, "runs")) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)


def test_without_a_number_runs_go_on_until_the_deadline(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(0.05), numTimes=None, runTime=1 / 60)
    assert len(found.timed) >= 5
    assert found.finished - found.started < 5


def test_fewer_than_five_finished_runs_say_nothing(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(0.35), numTimes=20, runTime=1 / 60)
    assert 0 < len(found.timed) < 5
    assert check(found, "runs") is Verdict.INCONCLUSIVE
    assert session(tmp_path, SleepingTarget(), numTimes=2).verdict is Verdict.INCONCLUSIVE
    # a smoke test asks whether the pipeline runs at all
    smoke = session(tmp_path, SleepingTarget(), numTimes=None, kind="smoke", thresholds={"end-to-end": 5})
    assert (len(smoke.timed), smoke.verdict) == (3, Verdict.PASS)
    assert session(tmp_path, SleepingTarget(), kind="smoke", numTimes=3, runTime=0.0001).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("failing", "verdict"), [(6, Verdict.REJECT), (1, Verdict.REJECT), (0, Verdict.PASS)])
def test_failed_runs_are_counted_and_never_timed(tmp_path: Path, failing: int, verdict: Verdict) -> None:
    found = session(tmp_path, SleepingTarget(fails=lambda number: number <= failing))
    assert (len(found.timed), found.verdict, check(found, "error-rate")) == (6 - failing, verdict, verdict)
    assert found.median("end-to-end") == (None if failing == 6 else 0.01)


def test_as_many_may_fail_as_the_scenario_says(tmp_path: Path) -> None:
    target = SleepingTarget(fails=lambda number: number == 1)
    assert session(tmp_path, target, maxErrorRate=0.2).verdict is Verdict.PASS


@pytest.mark.parametrize(("failing", "verdict"), [(10, Verdict.REJECT), (6, Verdict.INCONCLUSIVE), (5, Verdict.PASS)])
def test_runs_have_to_succeed_however_many_may_fail(tmp_path: Path, failing: int, verdict: Verdict) -> None:
    target = SleepingTarget(fails=lambda number: number <= failing)
    found = session(tmp_path, target, numTimes=10, maxErrorRate=1)
    assert (found.verdict, check(found, "runs"), check(found, "error-rate")) == (verdict, verdict, Verdict.PASS)


def test_a_target_that_is_away_says_nothing_about_the_pipeline(tmp_path: Path) -> None:
    target = SleepingTarget()
    target.broken = True
    found = session(tmp_path, target)
    assert [run.outcome for run in found.runs] == [RunOutcome.BROKEN] * 6
    assert (found.verdict, check(found, "error-rate")) == (Verdict.ERROR, Verdict.INCONCLUSIVE)
    (away,) = [one for one in found.checks if one.code == "target"]
    assert (away.verdict, away.measured) == (Verdict.ERROR, 6)
    assert "the first: the cluster does not answer" in away.message
    assert check(found, "runs") is Verdict.INCONCLUSIVE


def test_a_run_whose_answer_is_lost_has_not_failed(tmp_path: Path) -> None:
    class LostOnce(SleepingTarget):
        def read(self, run: str) -> RunSample:
            if run.endswith("-2"):
                raise Broken("the answer was lost")
            return super().read(run)

    found = session(tmp_path, LostOnce())
    (lost,) = [run for run in found.runs if run.outcome is RunOutcome.BROKEN]
    assert (lost.run, lost.message) == (f"{found.name}-2", "the answer was lost")
    (rate,) = [one for one in found.checks if one.code == "error-rate"]
    assert (rate.verdict, rate.message) == (Verdict.PASS, "0 of 5 runs failed")
    assert (len(found.timed), found.verdict) == (5, Verdict.ERROR)


def test_only_what_no_timed_run_tells_is_unmeasured(tmp_path: Path) -> None:
    class Learning(SleepingTarget):
        def read(self, run: str) -> RunSample:
            self.unmeasured = {"cpu": "pods lived too short", "network-sent": "nothing is sent"}
            found = super().read(run)
            # the warm-up and the second run tell it not
            return found if run.endswith(("-1", "-3")) else found.model_copy(update={"metrics": {"cpu": 1.0}})

    found = session(tmp_path, Learning(), warmUp=1)
    assert found.unmeasured == {"network-sent": "nothing is sent"}
    assert len(found.values("cpu")) == 5
    assert "cpu" in limits_of(found.scenario, found.unmeasured)


@pytest.mark.parametrize(("most", "verdict"), [(0.005, Verdict.REJECT), (0.02, Verdict.PASS)])
def test_a_threshold_is_the_largest_median(tmp_path: Path, most: float, verdict: Verdict) -> None:
    found = session(tmp_path, SleepingTarget(0.01), thresholds={"end-to-end": most})
    assert (found.verdict, check(found, "end-to-end")) == (verdict, verdict)


def test_a_threshold_of_what_is_not_measured_is_inconclusive(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(), thresholds={"network-sent": 1})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "nothing is sent" in found.checks[1].message


class Raising(Runner):
    cleaned: ClassVar[list[str]] = []

    async def collect(self) -> None:
        raise ZeroDivisionError("in the mode")

    async def cleanup(self) -> None:
        self.cleaned.append(self.context.name)


def test_a_mode_that_raises_is_named_and_costs_no_run(tmp_path: Path) -> None:
    target = SleepingTarget()
    found = session(tmp_path, target, modes={"OTHER": Raising}, mode="OTHER")
    assert (len(found.timed), found.verdict) == (6, Verdict.ERROR)
    assert found.errors == ["mode OTHER: ZeroDivisionError('in the mode')"]
    assert Raising.cleaned == [found.name] == target.removed


def test_each_run_is_stored_when_it_has_ended(tmp_path: Path) -> None:
    lines: list[int] = []

    class Looking(SleepingTarget):
        def submit(self, parameters: object) -> str:
            files = list((tmp_path / "perf").glob("*/runs.jsonl"))
            lines.append(len(files[0].read_text().splitlines()) if files else 0)
            return super().submit({})

    found = session(tmp_path, Looking())
    assert lines == [0, 1, 2, 3, 4, 5]
    assert PerfSession.model_validate_json((tmp_path / "perf" / found.name / "session.json").read_text()) == found


def test_bad_input_of_a_mode_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no parameter dataset-mib"):
        session(tmp_path, SleepingTarget(), mode="LARGE_DATASET")
    assert list((tmp_path / "perf").iterdir()) == []


def test_a_session_that_cannot_begin_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "replace_file", full)
    target = SleepingTarget()
    with pytest.raises(Broken, match="No space left on device"):
        session(tmp_path, target)
    assert list((tmp_path / "perf").iterdir()) == []
    assert target.removed == [], "it has made nothing"


def test_a_session_that_cannot_be_stored_is_returned_with_the_reason(tmp_path: Path) -> None:
    class Full(SleepingTarget):
        def submit(self, parameters: Mapping[str, str]) -> str:
            (tmp_path / "perf" / self.session / "session.json").mkdir(exist_ok=True)
            return super().submit(parameters)

    target = Full()
    found = session(tmp_path, target)
    assert (len(found.timed), found.verdict) == (6, Verdict.ERROR)
    (stored,) = [one for one in found.checks if one.code == "stored"]
    assert f"cannot write {tmp_path / 'perf' / found.name / 'session.json'}: Is a directory" in stored.message
    assert target.removed == [found.name]
    assert read_unfinished(tmp_path / "perf" / found.name) is not None, "slipway perf clean finds its runs"


def test_runs_of_a_session_that_ended_by_an_error_stay_readable(tmp_path: Path) -> None:
    class Wrong(Runner):
        async def collect(self) -> None:
            raise BadInput("a parameter is wrong")

    with pytest.raises(BadInput, match="a parameter is wrong"):
        session(tmp_path, SleepingTarget(), {"OWN": Wrong}, mode="OWN")
    (directory,) = (tmp_path / "perf").iterdir()
    left = read_unfinished(directory)
    assert left is not None
    assert len(left.timed) == 6
    target = SleepingTarget()
    assert [(one.session, one.runs, one.error) for one in clean(tmp_path / "perf", lambda name: target)] == [
        (directory.name, 6, "")
    ]
    found = read_session(directory)
    assert found is not None
    assert len(found.timed) == 6


def test_the_digest_is_of_what_is_measured(tmp_path: Path) -> None:
    pipeline = tmp_path / "p.yaml"
    pipeline.write_text("a")
    told = {"mode": "PIPELINE_RUN", "pipelineFileName": "p.yaml"}
    one = scenario_digest(PerfScenario.model_validate(told), pipeline)
    assert one == scenario_digest(PerfScenario.model_validate(told | {"thresholds": {"cpu": 1.0}}), pipeline)
    assert one != scenario_digest(PerfScenario.model_validate(told | {"concurrency": 2}), pipeline)
    pipeline.write_text("b")
    assert one != scenario_digest(PerfScenario.model_validate(told), pipeline)
