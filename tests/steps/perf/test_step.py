"""The step `perf`: what it runs, keeps and tells, and what it does without a baseline or a receiver."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from steps.adapters.targets.pipelines import two_steps, written
from steps.perf.fake_target import FINGERPRINT

from slipway_steps.domain.errors import BadInput, Broken, Refused
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_session import Fingerprint, PerfSession, RunOutcome, RunSample
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf import step
from slipway_steps.settings import Settings


class Target:
    """Runs nothing: each run has taken as long as `took` says, or has failed."""

    name, version, operations, notes = "argo", "Argo v4.1.2", (), ()
    left: ClassVar[dict[str, float]] = {}
    away = False

    def __init__(self, took: float, fails: bool = False) -> None:
        self.took, self.fails, self.runs = took, fails, 0
        self.removed: list[str] = []
        self.unmeasured = {name: "not measured here" for name in METRICS if name != "end-to-end"}

    def prepare(self, *given: Any) -> None:
        assert given[1].target == "argo"

    def submit(self, parameters: Any) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    def wait(self, run: str, deadline: float) -> bool:
        return True

    def stop(self, run: str) -> None:
        pass

    def read(self, run: str) -> RunSample:
        outcome = RunOutcome.FAILED if self.fails else RunOutcome.SUCCEEDED
        return RunSample(run=run, started=time.time(), outcome=outcome, metrics={"end-to-end": self.took})

    def fingerprint(self) -> Fingerprint:
        return FINGERPRINT

    def sessions(self) -> dict[str, float]:
        if self.away:
            raise Broken("the cluster does not answer")
        return self.left

    def remove(self, session: str) -> Sequence[str]:
        self.removed.append(session)
        return ["workflow x"]


class Kept:
    """Measurements in memory."""

    def __init__(self) -> None:
        self.all: list[PerfSession] = []
        self.known: list[PerfSession] = []
        self.state = Verdict.PASS

    def save(self, session: PerfSession, files: Any = ()) -> str:
        self.all.append(session)
        return "here"

    def sessions(self, *_: Any) -> list[PerfSession]:
        return list(self.all)

    def baseline(self, _: str) -> list[PerfSession]:
        return self.known

    def set_baseline(self, session: str, baseline: bool) -> None:
        found = next(one for one in [*self.all, *self.known] if one.name == session)
        others = [one for one in self.known if one is not found]
        self.known = [*others, *([found] if baseline else [])]

    def set_told(self, session: str, state: Verdict) -> None:
        self.state = state

    def told(self, *_: str) -> Verdict:
        return self.state


class Told:
    def __init__(self, fails: bool = False) -> None:
        self.said: list[str] = []
        self.fails = fails

    def notify(self, summary: str, lines: Any, failed: bool = True, key: str = "") -> bool:
        if self.fails:
            raise Broken("the webhook is away")
        self.said.append(summary)
        return True


class Case:
    def __init__(self, directory: Path, **settings: Any) -> None:
        self.kept, self.told = Kept(), Told()
        self.pages: list[str] = []
        self.settings = Settings(home=directory, **settings)

    def page(self, session: PerfSession, measurements: object) -> str:
        self.pages.append(session.name)
        return "no room for the page"

    def run(self, took: float, fails: bool = False, scenario: str = "small.json", **more: Any) -> step.Outputs:
        world: Any = SimpleNamespace(settings=self.settings, notifier=self.told)
        target: Any = Target(took, fails)
        kept: Any = self.kept
        params = step.Params(scenario=scenario, release="perf-test-x", **more)
        outputs = step.run(params, world, targets=lambda *_: target, measurements=kept)
        assert target.removed
        return outputs


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(step, "GIVEN", tmp_path)
    scenario = {"mode": "PIPELINE_RUN", "pipelineFileName": two_steps(tmp_path).name, "numTimes": 5, "warmUp": 0}
    written(tmp_path / "small.json", {**scenario, "limits": {"end-to-end": 0.1}})
    found = Case(tmp_path / "home")
    # test_page runs the program that writes it, which takes seconds
    monkeypatch.setattr(step, "keep_page", found.page)
    return found


def test_without_a_baseline_a_session_is_judged_by_its_runs(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = case.run(1.0)
    assert outputs.verdict is Verdict.PASS
    assert case.pages == [outputs.session]
    assert "warning: no room for the page" in capsys.readouterr().out
    assert [one.name for one in case.kept.all] == [outputs.session]


def test_runs_that_fail_are_a_rejection_and_people_are_told_once(case: Case) -> None:
    assert case.run(1.0, fails=True).verdict is Verdict.REJECT
    case.run(1.0, fails=True)
    assert len(case.told.said) == 1


def test_sigterm_keeps_what_was_measured(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"mode": "PIPELINE_RUN", "pipelineFileName": "two-steps.yaml", "numTimes": 50, "warmUp": 0}
    written(tmp_path / "long.json", [{**one, "name": "first"}, {**one, "name": "second"}])
    submit = Target.submit

    def terminated(target: Target, parameters: Any) -> str:
        if target.runs == 6:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2)  # until the driver has seen it
        return submit(target, parameters)

    monkeypatch.setattr(Target, "submit", terminated)
    outputs = case.run(1.0, scenario="long.json")
    assert outputs.verdict is Verdict.INCONCLUSIVE
    (kept,) = case.kept.all
    assert (kept.name, kept.scenario.name) == (outputs.session, "first"), "the second scenario is not begun"
    assert len(kept.timed) >= 6
    assert case.pages == [kept.name]
    assert case.told.said == []


def test_two_slower_sessions_than_the_baseline_are_a_regression(case: Case) -> None:
    for _ in range(5):
        case.run(1.0)
    case.kept.known = list(case.kept.all)
    assert case.run(1.0).verdict is Verdict.PASS
    assert case.run(2.0).verdict is not Verdict.PASS
    assert case.run(2.0).verdict is Verdict.REJECT


def test_who_cannot_be_told_costs_the_session_nothing(tmp_path: Path, case: Case, capsys: Any) -> None:
    case.told.fails = True
    case.settings = Settings(home=tmp_path / "home", pushgateway_url="http://127.0.0.1:9")
    assert case.run(1.0, fails=True).verdict is Verdict.REJECT
    said = capsys.readouterr().out
    assert "warning: the webhook is away" in said
    assert "warning: pushing to the Pushgateway at http://127.0.0.1:9 failed" in said


def test_an_unknown_scenario_names_those_that_are_there(case: Case) -> None:
    with pytest.raises(BadInput, match=r"no scenario nothing.json .*small.json.*training.json"):
        case.run(1.0, scenario="nothing.json")


def test_a_baseline_is_measured_in_place_of_the_one_before(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    first = case.run(1.0, baseline=True)
    assert first.verdict is Verdict.PASS
    before = [one.name for one in case.kept.known]
    assert len(before) == 5
    assert "baseline of 5 sessions" in capsys.readouterr().out
    assert case.run(2.0).verdict is not Verdict.PASS, "judged against it"
    case.run(2.0, baseline=True, sessions=6)
    assert len(case.kept.known) == 6
    assert not {one.name for one in case.kept.known} & set(before)
    assert case.run(2.0).verdict is Verdict.PASS


def test_a_session_that_does_not_pass_makes_no_baseline(case: Case) -> None:
    case.run(1.0, baseline=True)
    before = list(case.kept.known)
    with pytest.raises(Refused, match="which is no baseline"):
        case.run(1.0, fails=True, baseline=True)
    assert case.kept.known == before
    with pytest.raises(ValueError, match="sessions"):
        case.run(1.0, baseline=True, sessions=4)


def test_what_killed_sessions_have_left_is_removed_before(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Target, "left", {"perf-bcdfg": time.time() - 1, "perf-zzzzz": time.time() + 60})
    assert case.run(1.0).verdict is Verdict.PASS
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "perf-bcdfg: removed workflow x"
    assert said[1].startswith("perf-zzzzz: left alone: it may still be running, until 20")
    (note,) = case.kept.all[0].notes
    assert note.startswith("another session may have been running beside: perf-zzzzz: left alone")


def test_what_cannot_be_looked_for_costs_the_test_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Target, "away", True)
    assert case.run(1.0).verdict is Verdict.PASS
    assert "could not be looked for: the cluster does not answer" in capsys.readouterr().out


def test_the_targets_know_the_workflow_that_runs_them(case: Case) -> None:
    owners = []

    def made(name: str, settings: Settings) -> Any:
        owners.append(settings.perf_owner)
        return Target(1.0)

    world: Any = SimpleNamespace(settings=case.settings, notifier=case.told)
    kept: Any = case.kept
    step.run(step.Params(scenario="small.json", release="perf-test-x7k2p"), world, targets=made, measurements=kept)
    assert owners == ["perf-test-x7k2p"] * 2, "of the look for what was left, and of the session"
