"""`slipway perf baseline`, `run` and `history` one after the other, on the real engine and real MLflow."""

import importlib
import itertools
import json
from pathlib import Path

import pytest
from steps.perf.sessions import session

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.cli import main

cli_baseline = importlib.import_module("slipway_workflows.cli.perf.baseline")

WORKFLOW = """\
kind: Workflow
metadata: {generateName: small-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: file}]}
  templates:
    - name: main
      steps: [[{name: first, template: work}]]
    - name: work
      container: {image: "slipway/steps:1", command: [sh, -c], args: ["sleep $(cat {{workflow.parameters.file}})"]}
"""


class Project:
    """A pipeline whose step takes as long as a file says: the machine gets slower, and the pipeline stays the same."""

    def __init__(self, directory: Path) -> None:
        self.home, self.seconds = directory / "home", directory / "seconds"
        self.seconds.write_text("0.05")
        (directory / "small.yaml").write_text(WORKFLOW)
        self.scenario = directory / "scenario.json"
        told = {"mode": "PIPELINE_RUN", "pipelineFileName": "small.yaml", "numTimes": 5, "warmUp": 0, "name": "small"}
        # wide limits, as other tests run beside
        told["parameters"] = {"file": str(self.seconds)}
        self.scenario.write_text(json.dumps(told | {"limits": {"end-to-end": 2.0, "cpu": 50}}))

    def perf(self, command: str, *arguments: str) -> int:
        return main(["--home", str(self.home), "perf", command, str(self.scenario), *arguments])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_from_a_baseline_to_a_regression_and_back(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.perf("history") == 1
    assert "no session of" in capsys.readouterr().err
    assert project.perf("run") == 0
    assert "no baseline yet: slipway perf baseline" in capsys.readouterr().out

    assert project.perf("baseline") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "small · local · baseline of 5 sessions"
    assert out[1].startswith("end-to-end   ")
    assert "sessions differ by" in out[1]

    assert project.perf("run") == 0
    assert "no baseline yet" not in capsys.readouterr().out
    project.seconds.write_text("8")
    assert project.perf("run") == 1
    assert "suspected: measure once more" in capsys.readouterr().out
    assert project.perf("run", "--output", "json") == 2
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "reject"
    (check,) = [one for one in told["checks"] if one["verdict"] == "reject"]
    assert check["code"] == "baseline-end-to-end"
    assert "% of it in step `first` (+" in check["message"]
    stored = project.home / "perf" / told["name"] / "session.json"
    assert json.loads(stored.read_text())["verdict"] == "reject"
    project.seconds.write_text("0.05")
    assert project.perf("run") == 0
    capsys.readouterr()

    assert project.perf("history") == 0
    rows = [row for row in capsys.readouterr().out.splitlines() if not row.startswith("hint: ")]
    assert ["baseline" in row for row in rows] == [False] + [True] * 5 + [False] * 4
    assert ["reject" in row for row in rows] == [False] * 8 + [True, False]
    assert project.perf("history", "--metric", "cpu", "--output", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in found["sessions"]][-4:] == ["pass", "inconclusive", "reject", "pass"]
    assert all(one["median"] > 0 and one["runs"] == 5 for one in found["sessions"])


def test_a_session_that_fails_is_no_baseline(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.seconds.unlink()
    assert project.perf("baseline") == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "is reject, which is no baseline: 5 of 5 runs failed" in error
    assert project.perf("history") == 0
    assert "baseline" not in capsys.readouterr().out


def test_fewer_sessions_than_a_baseline_needs_are_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.perf("baseline", "--sessions", "4") == 1
    assert "--sessions" in capsys.readouterr().err


def test_a_smoke_test_makes_no_baseline(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(project.scenario.read_text())
    project.scenario.write_text(json.dumps(told | {"kind": "smoke", "numTimes": 3}))
    assert project.perf("baseline") == 1
    captured = capsys.readouterr()
    assert "small makes 3 runs, and a time is judged from 5 on" in captured.err
    assert not (project.home / "perf").exists()


def test_a_baseline_as_json(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two scenarios, of which the second fails: the baseline of the first is there, and told."""
    one = json.loads(project.scenario.read_text())
    project.scenario.write_text(json.dumps([one, one | {"name": "other"}]))
    numbers = itertools.count(1)

    def measured(scenario: PerfScenario, *_: object) -> PerfSession:
        number = next(numbers)
        made = session(number, 6.0 + number % 2, runs=7 if number <= 5 else 0, scenario=scenario)
        return made.model_copy(update={"verdict": Verdict.PASS if made.runs else Verdict.REJECT})

    monkeypatch.setattr(cli_baseline, "measured", measured)
    assert project.perf("baseline", "--output", "json") == 1
    captured = capsys.readouterr()
    assert "which is no baseline" in captured.err
    told = json.loads(captured.out)
    assert (told["scenario"], told["target"]) == ("small", "local")
    assert told["sessions"] == [f"perf-{number}" for number in range(1, 6)]
    end_to_end = told["metrics"][0]
    assert (end_to_end["metric"], end_to_end["unit"], end_to_end["median"]) == ("end-to-end", "s", 7.0)
    assert end_to_end["limit"] == pytest.approx(3 + end_to_end["floor"])
    assert end_to_end["floor"] > 0.1
