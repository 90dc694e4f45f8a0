import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from slipway_workflows.cli import main

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: small-}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: "busybox:1", command: [sh, -c, "SCRIPT"]}
"""
SCENARIO = "scenario_name: NAME\npipeline_config_path: pipelines/NAME.yaml\nexpected_steps: [main]\n"


@pytest.fixture
def scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios" / "pipelines").mkdir(parents=True)
    for name, script in (("good", "true"), ("bad", "echo no; exit 1")):
        (tmp_path / "scenarios" / f"{name}.yaml").write_text(SCENARIO.replace("NAME", name))
        (tmp_path / "scenarios" / "pipelines" / f"{name}.yaml").write_text(WORKFLOW.replace("SCRIPT", script))
    return tmp_path / "scenarios"


def test_one_scenario_is_one_line_with_its_report(scenarios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate-e2e", "scenarios/good.yaml"]) == 0
    line = capsys.readouterr().out.strip()
    assert line.startswith("succeeded as expected   1/1 steps   ")
    assert " GiB of 4.0   report: .slipway/validation/" in line
    assert Path(line.rpartition(" ")[2]).is_file()


def test_a_directory_is_one_report_and_one_bad_scenario_is_exit_2(
    scenarios: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate-e2e", "scenarios"]) == 2
    said = capsys.readouterr().out
    assert "bad: failed, expected succeeded   1/1 steps" in said
    assert "    no" in said
    assert "good: succeeded as expected" in said
    assert "1 of 2 scenarios as expected   report: .slipway/validation/" in said


def test_json_has_all_of_it(scenarios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate-e2e", "scenarios", "--output", "json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "reject"
    assert [one["success"] for one in told["results"]] == [False, True]
    assert Path(told["report"]).is_file()


@pytest.mark.parametrize("command", ["validate-e2e", "validate-system"])
def test_a_report_that_cannot_be_written_is_one_line_and_not_announced(
    scenarios: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("slipway_workflows.validation.end_to_end.NAME_LETTERS", "a")
    page = Path(".slipway/validation/aaaaaa/report.html").absolute()
    (page / "in-the-way").mkdir(parents=True)
    (scenarios / "bad.yaml").unlink()
    assert main([command, "scenarios" if command == "validate-system" else "scenarios/good.yaml"]) == 1
    said = capsys.readouterr()
    assert "succeeded as expected" in said.out
    assert "report:" not in said.out
    assert said.err.startswith(f"error: the report could not be written to {page}: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("command", ["validate-e2e", "validate-system"])
def test_bad_input_is_one_line_and_exit_1_and_nothing_runs(
    scenarios: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (scenarios / "third.yaml").write_text("scenario_nam: x")
    assert main([command, "scenarios"]) == 1
    said = capsys.readouterr()
    assert said.err == "error: scenarios/third.yaml: unknown field scenario_nam (did you mean scenario_name?)\n"
    assert not said.out
    assert not Path(".slipway").exists()


def test_a_scenario_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate-e2e", str(tmp_path / "gone.yaml")]) == 1
    assert "gone.yaml cannot be read" in capsys.readouterr().err


def test_the_system_is_health_deployment_and_every_scenario(
    scenarios: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scenarios / "bad.yaml").unlink()
    code = main(["validate-system", "scenarios"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "good: succeeded as expected" in said
    lines = [line for line in said.splitlines() if line.startswith(("System", "Contain", "Monitoring", "Backup"))]
    assert [line.split("  ")[0] for line in lines] == [
        "System validation",
        "Containerization",
        "Monitoring",
        "Backup and recovery",
    ]
    assert "pass      1 of 1 scenarios as expected" in lines[0]
    assert "not run   there is no images, no compose.yaml" in lines[1]
    assert "health: " in lines[2]
    assert f"report: .slipway{os.sep}validation" in said


def test_the_system_is_not_ready_with_a_bad_scenario(scenarios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate-system", "scenarios", "--output", "json"]) == 2
    told = json.loads(capsys.readouterr().out)
    sections = {one["title"]: one["verdict"] for one in told["sections"]}
    assert sections["System validation"] == "reject"
    assert sections["Backup and recovery"] is None


def test_what_is_deployed_is_validated_too(scenarios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    (scenarios / "bad.yaml").unlink()
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: none}, ports: [{port: 80}]}"
    Path("service.yaml").write_text(service)
    assert main(["validate-system", "scenarios", "--deployment", "service.yaml"]) == 2
    said = capsys.readouterr().out
    assert "Containerization          reject    1 findings in" in said
    assert "SD107 selects-nothing" in said


@pytest.mark.parametrize("command", ["validate-e2e", "validate-system"])
@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]])
def test_an_interrupt_ends_all_that_runs_and_leaves_no_home(
    scenarios: Path, command: str, numbers: list[signal.Signals]
) -> None:
    running, mark = _hanging(scenarios, command)
    for number in numbers:
        running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said.strip()) == (130, "error: interrupted")
    assert not _living(mark)
    assert not list(Path(".slipway").glob("validation/*/*/home"))


def test_what_a_kill_has_left_the_next_run_removes(scenarios: Path) -> None:
    running, mark = _hanging(scenarios, "validate-e2e")
    running.kill()
    _, said = running.communicate(timeout=60)  # until the process that ends the run has closed it too
    assert not said, "no traceback"
    assert not _living(mark)
    assert len(list(Path(".slipway").glob("validation/*/*/home"))) == 1
    (scenarios / "pipelines" / "good.yaml").write_text(WORKFLOW.replace("SCRIPT", "true"))
    assert main(["validate-e2e", "scenarios/good.yaml"]) == 0
    assert not list(Path(".slipway").glob("validation/*/*/home"))


def test_the_home_of_a_run_that_lives_is_left_alone(scenarios: Path) -> None:
    running, mark = _hanging(scenarios, "validate-e2e")
    (scenarios / "pipelines" / "good.yaml").write_text(WORKFLOW.replace("SCRIPT", "true"))
    assert main(["validate-e2e", "scenarios/good.yaml"]) == 0
    assert _living(mark)
    assert len(list(Path(".slipway").glob("validation/*/*/home/runs"))) == 1
    running.terminate()
    running.communicate(timeout=60)


def _hanging(scenarios: Path, command: str) -> tuple["subprocess.Popen[str]", str]:
    """The command on a scenario whose step runs now, and what marks the step."""
    mark = f"sleep 98.{os.getpid()}"
    (scenarios / "bad.yaml").unlink()
    (scenarios / "pipelines" / "good.yaml").write_text(WORKFLOW.replace("SCRIPT", mark))
    given = "scenarios" if command == "validate-system" else "scenarios/good.yaml"
    program = [sys.executable, "-m", "slipway_workflows.cli", command, given]
    running = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not _living(mark):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return running, mark


def _living(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if mark in " ".join(process.info["cmdline"] or ()):
            found.append(process.pid)
    return found
