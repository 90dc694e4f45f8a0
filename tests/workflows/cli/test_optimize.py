"""`slipway optimize`, as people type it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from e2e.machine import until
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
        ([], "name a step (evaluate, handler, train, or the file of a workflow), or ask for --limits"),
        (
            ["evaluate", "--limits"],
            "name a step (evaluate, handler, train, or the file of a workflow), or ask for --limits",
        ),
        (["promote"], "known: evaluate, handler, train, and files of workflows"),
        (["train"], "there is no workflow yet"),
        (["train", "--package", "."], "train takes no packaged model"),
        (["handler", "--dataset", "digits"], "handler takes no data"),
        (["nothing.yaml"], "nothing.yaml"),
        (["evaluate", "--package", ".", "--set", "cpu-limit=many"], "'many' is no quantity of Kubernetes"),
        (["evaluate"], "there is no workflow yet"),
        (["evaluate", "other"], "there is no workflow other"),
        (["evaluate", "--package", ".", "--set", "batch"], "--set batch is not KNOB=VALUE"),
        (["evaluate", "--package", ".", "--set", "size=1"], "evaluate has no knob size"),
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
    run = runs_of("evaluate", str(trained_package))
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

    monkeypatch.setattr(optimizer, "runs_of", lambda step, *given: run)
    arguments = ["optimize", "evaluate", "--package", str(tmp_path), "--set", "batch=128", "--output", "json"]
    assert main(["--home", str(tmp_path), *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["message"].partition(":")[0] for one in found] == [
        "batch 128 -> 16",
        "batch 128 -> 8",
        "batch 128 -> 32",
        "memory-limit 2Gi -> 1Gi",
        "memory-limit 2Gi -> 512Mi",
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


FAN_OUT = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fan-out-}
spec:
  entrypoint: main
  parallelism: 3
  templates:
  - name: main
    steps: [[{name: each, template: work, withItems: [1, 2], arguments: {parameters: [{name: n, value: "{{item}}"}]}}]]
  - name: work
    inputs: {parameters: [{name: n}]}
    script:
      image: python:3.11
      command: [python3]
      source: |
        import os, time
        held = b"x" * (60 * 2**20)
        time.sleep(0.5)
        open("/tmp/n", "w").write(str(len(held) * {{inputs.parameters.n}}))
    outputs: {parameters: [{name: n, valueFrom: {path: /tmp/n}}]}
"""


def test_the_parallelism_of_a_workflow_changes_what_it_uses_and_not_its_outputs(tmp_path: Path) -> None:
    from slipway_workflows.cli import workflow_trial

    file = tmp_path / "fan-out.yaml"
    file.write_text(FAN_OUT)
    assert workflow_trial.stands(file) == {"parallelism": "3"}
    run = workflow_trial.runs_of(file)
    together, apart = run({"TRIAL_PARALLELISM": "2"}), run({"TRIAL_PARALLELISM": "1"})
    assert [one[1:] for one in together.results] == [
        ["Succeeded", [["n", "62914560"]], None],
        ["Succeeded", [["n", "125829120"]], None],
    ]
    assert together.results == apart.results
    assert together.peak > apart.peak + 40 * 2**20
    assert list(tmp_path.iterdir()) == [file]


def test_of_a_trial_that_is_killed_nothing_is_left(tmp_path: Path) -> None:
    file, mark = tmp_path / "fan-out.yaml", f"97.{os.getpid()}"
    file.write_text(FAN_OUT.replace("time.sleep(0.5)", f"os.system('sleep {mark}')"))
    command = [sys.executable, "-m", "slipway_workflows.cli.workflow_trial", str(file)]
    trial = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, start_new_session=True)

    def sleeping() -> int:
        return sum(one.info["cmdline"] == ["sleep", mark] for one in psutil.process_iter(["cmdline"]))

    until(lambda: sleeping() == 2)
    os.killpg(trial.pid, signal.SIGKILL)
    trial.wait()
    until(lambda: not sleeping())


def test_a_workflow_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    from slipway_steps.domain.errors import Broken
    from slipway_workflows.cli import workflow_trial

    file = tmp_path / "fails.yaml"
    file.write_text(FAN_OUT.replace("time.sleep(0.5)", "raise SystemExit('no data')"))
    with pytest.raises(Broken, match="did not succeed"):
        workflow_trial.runs_of(file)({})


def test_the_limits_and_the_verdicts_of_a_handler(trained_package: Path) -> None:
    found = runs_of("handler", str(trained_package))({"TRIAL_MEMORY_LIMIT": "2Gi", "TRIAL_CPU_LIMIT": "2"})
    assert ["end-to-end", "pass"] in found.results["checks"]
    assert not found.killed


def test_a_training_is_run_on_the_data_that_are_named_and_its_results_are_its_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "train.py"
    program.write_text(TRAINING)
    monkeypatch.setenv("SLIPWAY_TRAIN_DIRECTORY", str(tmp_path))
    found = runs_of("train", "food", "7")({"TRAINING_THREADS": "1"})
    assert found.results == {"metrics": {"threads": 1.0, "seed": 7.0}, "history": []}


TRAINING = """
import json, os, pathlib, sys
given = dict(one.removeprefix("--").split("=") for one in sys.argv[1:])
assert given["dataset"] == "food"
package = pathlib.Path(given["output"])
package.mkdir()
contract = {"architecture": "a", "labels": ["x", "y"], "output": {"name": "o"}}
contract["input"] = {"name": "i", "shape": [3, 2, 2], "mean": [0, 0, 0], "std": [1, 1, 1]}
contract["training_data"] = {"name": "n", "fingerprint": "f", "samples": 1}
metrics = {"threads": float(os.environ["TRAINING_THREADS"]), "seed": float(given["seed"])}
for name, value in dict(contract=contract, metrics=metrics, params={}, history=[]).items():
    (package / f"{name}.json").write_text(json.dumps(value))
(package / "model.onnx").write_bytes(b"model")
(package / "holdout.npz").write_bytes(b"images")
(package / "samples").mkdir()
(package / "samples" / "x-0.png").write_bytes(b"png")
"""
