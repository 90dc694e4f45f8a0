"""`slipway perf aa` as people call it, on the real engine."""

import json
from pathlib import Path

import pytest

from slipway_steps.perf.aa import AaMeasurement, Calibration, LiveAlarms
from slipway_workflows.cli import main

WORKFLOW = """\
kind: Workflow
metadata: {generateName: small-}
spec:
  entrypoint: work
  templates:
    - name: work
      container: {image: "busybox:1", command: [sh, -c], args: ["true"]}
"""


def test_alarms_on_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.yaml").write_text(WORKFLOW)
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"mode": "PIPELINE_RUN", "pipelineFileName": "small.yaml"}))
    arguments = ["perf", "aa", str(scenario), "--pairs", "10", "--inject", "80"]
    code = main(["--home", str(tmp_path / "home"), *arguments, "--output", "json"])
    told = json.loads(capsys.readouterr().out)
    assert code in (0, 1), "ten pairs may be too few to be believed"
    assert told["pairs"] == 10
    assert told["step"] == "work"
    cpu = next(one for one in told["metrics"] if one["metric"] == "cpu")
    assert 1.2 < cpu["slowed"]["estimate"] < 3
    assert cpu["found"] > 0.9
    assert not list((tmp_path / "home" / "perf").glob("*/work"))


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"mode": "PIPELINE_RUN", "pipelineFileName": "none.yaml"}))
    assert main(["--home", str(tmp_path / "home"), "perf", "aa", str(scenario)]) == 1
    assert "there is no pipeline" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("replayed", "live", "code"), [(True, False, 130), (False, True, 130), (False, False, 1)])
def test_an_interrupt_is_130_and_no_live_comparison_is_1(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    replayed: bool,
    live: bool,
    code: int,
) -> None:
    (tmp_path / "small.yaml").write_text(WORKFLOW)
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"mode": "PIPELINE_RUN", "pipelineFileName": "small.yaml"}))
    asked: list[int] = []

    def make_live(self: AaMeasurement, number: int) -> LiveAlarms:
        asked.append(number)
        return LiveAlarms(rejected=0, passed=0, number=0, unmade=["comparison 1: cut"], interrupted=live)

    def replay(self: AaMeasurement, pairs: int, inject: float) -> Calibration:
        return Calibration(pairs=12, inject=0, step="", seconds=0, metrics=[], interrupted=replayed)

    monkeypatch.setattr(AaMeasurement, "live", make_live)
    monkeypatch.setattr(AaMeasurement, "replayed", replay)
    assert main(["--home", str(tmp_path / "home"), "perf", "aa", str(scenario), "--live", "3"]) == code
    assert asked == ([] if replayed else [3])
    assert ("live: not counted: comparison 1: cut" in capsys.readouterr().out) is not replayed
