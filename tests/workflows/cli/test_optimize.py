"""`slipway optimize`, as people type it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from engine_runs import Ran, pod

from slipway_steps.adapters.world import make_world
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_steps.optimize.optimizer import runs_of
from slipway_steps.settings import read_settings
from slipway_workflows.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a step, or ask for --limits"),
        (["evaluate", "--limits"], "name a step, or ask for --limits"),
        (["promote"], "the step promote cannot be tried"),
        (["evaluate"], "there is no workflow yet"),
        (["evaluate", "other"], "there is no workflow other"),
        (["evaluate", "--package", ".", "--set", "batch"], "--set batch is not KNOB=VALUE"),
        (["evaluate", "--package", ".", "--set", "size=1"], "the step evaluate has no knob size"),
        (["evaluate", "--package", ".", "--runs", "5"], "5 runs of each side have no interval of 95 %"),
        (["--limits"], "no release has passed the resource gate"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["--home", str(tmp_path / "home"), "optimize", *arguments]) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


@pytest.mark.acceptance
def test_the_batch_of_the_evaluation_changes_its_memory_and_not_its_results(trained_package: Path) -> None:
    run = runs_of("evaluate", trained_package)
    small, large = run({"EVALUATION_BATCH": "16"}), run({"EVALUATION_BATCH": "128"})
    assert small.results == large.results
    assert small.results["checks"]
    assert small.peak < 0.8 * large.peak


def test_a_package_that_cannot_be_evaluated_is_one_line(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "slipway"), "--home", str(tmp_path), "optimize", "evaluate"]
    done = subprocess.run([*command, "--package", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "slipway_steps.optimize.trial_program evaluate" in done.stderr


def test_the_json_is_a_list_of_recommendations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from slipway_steps.optimize import optimizer
    from slipway_steps.optimize.trials import Trial

    def run(variables: dict[str, str]) -> Trial:
        return Trial(10**8 + 10**6 * int(variables["EVALUATION_BATCH"]), 1.0, [])

    monkeypatch.setattr(optimizer, "runs_of", lambda step, package: run)
    arguments = ["optimize", "evaluate", "--package", str(tmp_path), "--set", "batch=128", "--output", "json"]
    assert main(["--home", str(tmp_path), *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["message"].partition(":")[0] for one in found] == [
        "batch 128 -> 16",
        "batch 128 -> 8",
        "batch 128 -> 32",
    ]
    assert found[0]["estimated_improvement"]["high"] < 1


def test_the_limits_are_read_from_the_reports_of_the_stored_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Ran(tmp_path, pod("main"))  # the workflow wf
    check = Check(code="cpu", verdict=Verdict.PASS, message="", measured=33.0, threshold=500, unit="millicores")
    report = GateReport(
        gate=Gate.RESOURCES,
        candidate=Candidate(version="", digest=""),
        release="wf",
        verdict=Verdict.PASS,
        checks=[check],
        started_at=0,
        finished_at=1,
        series={"memory_mib": [[0, 61.0], [1, 63.5]]},
    )
    make_world(read_settings(tmp_path)).registry.save_report(None, report)
    assert main(["--home", str(tmp_path), "optimize", "--limits"]) == 0
    values = yaml.safe_load(capsys.readouterr().out)
    assert values["resources"] == {"requests": {"cpu": "40m", "memory": "70Mi"}, "limits": {"memory": "96Mi"}}
