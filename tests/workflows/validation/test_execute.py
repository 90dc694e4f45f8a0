"""Scenarios of small workflows, run as people run them."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_steps.domain.validation import E2ETestResult, Outcome
from slipway_steps.domain.verdict import Verdict
from slipway_steps.settings import Settings
from slipway_workflows.validation.end_to_end import EndToEndValidator

HEADER = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: small-}
spec:
  entrypoint: main
"""
STEPS = """
  templates:
    - name: main
      steps: [[{name: first, template: one}], [{name: second, template: two}]]
    - name: one
      script: {image: "python:3.11", command: [python3], source: "FIRST"}
    - name: two
      script: {image: "python:3.11", command: [python3], source: "SECOND"}
"""


@pytest.fixture
def validator(tmp_path: Path) -> EndToEndValidator:
    return EndToEndValidator(Settings(home=tmp_path / "home"))


def run(validator: EndToEndValidator, directory: Path, workflow: str, **fields: object) -> E2ETestResult:
    """Write a scenario with its pipeline, read it, and run it."""
    scenarios = directory / "scenarios"
    scenarios.mkdir(exist_ok=True)
    (scenarios / "pipeline.yaml").write_text(HEADER + workflow)
    told = {"scenario_name": "small", "pipeline_config_path": "pipeline.yaml", "expected_steps": ["first", "second"]}
    lines = [f"{name}: {value}" for name, value in (told | fields).items()]
    (scenarios / "scenario.yaml").write_text("\n".join(lines))
    (scenario,) = validator.discover_test_scenarios(scenarios)
    return validator.execute_scenario(scenario)


def planted(directory: Path) -> tuple[str, ...]:
    """The program `slipway` with the fault of FAULT, after its own imports."""
    file = directory / "planted.py"
    file.write_text(f"{FAULT}\nfrom slipway_workflows.cli import script\nscript()\n")
    return (sys.executable, "-P", str(file))


def two(first: str, second: str = "pass") -> str:
    return STEPS.replace("FIRST", first).replace("SECOND", second)


def living(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if mark in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_workflow_that_does_as_expected(validator: EndToEndValidator, tmp_path: Path) -> None:
    rules = "{workflow.duration: {max: 60}, second.duration: {max: 30}}"
    result = run(validator, tmp_path, two("import time; time.sleep(0.3)"), validation_rules=rules)
    assert (result.success, result.outcome, result.error_details) == (True, Outcome.SUCCEEDED, None)
    assert (result.steps_executed, result.steps_failed, result.steps_missing, result.steps_unexpected) == (2, 0, [], [])
    assert result.performance_metrics["first"] >= 0.3
    assert 0 < result.peak_memory_usage < 1
    assert all(rule.passed for rule in result.validation_results.values())
    assert not list(validator.directory.glob("*/home")), "the home of the run is removed"


def test_a_step_that_fails_is_named_with_its_last_lines(validator: EndToEndValidator, tmp_path: Path) -> None:
    result = run(validator, tmp_path, two("import sys; print('half way'); sys.exit('the disk is made of cheese')"))
    assert (result.verdict, result.outcome) == (Verdict.REJECT, Outcome.FAILED)
    assert (result.failed_step, result.failed_steps, result.steps_missing) == ("first", ["first"], ["second"])
    assert "half way" in result.last_lines
    assert "the disk is made of cheese" in result.last_lines


def test_a_failure_can_be_what_is_expected(validator: EndToEndValidator, tmp_path: Path) -> None:
    result = run(validator, tmp_path, two("raise SystemExit(1)"), expected_steps="[first]", expect="failed")
    assert (result.success, result.outcome) == (True, Outcome.FAILED)


def test_a_missing_and_a_doubled_step_are_found(validator: EndToEndValidator, tmp_path: Path) -> None:
    again = """
    - name: again
      steps: [[{name: second, template: two}]]
"""
    second = "[{name: second, template: two}]"
    workflow = two("pass").replace(second, "[{name: more, template: again}], " + second) + again
    result = run(validator, tmp_path, workflow, expected_steps="[first, second, third]")
    assert (result.verdict, result.outcome) == (Verdict.REJECT, Outcome.SUCCEEDED)
    assert result.steps_missing == ["third"]
    assert result.steps_unexpected == ["second (2 times)"]
    assert result.error_details == "did not run: third\nsecond ran 2 times"


def test_a_step_that_ran_too_seldom_is_told_with_both_numbers(validator: EndToEndValidator, tmp_path: Path) -> None:
    result = run(
        validator, tmp_path, two("pass"), expected_steps="[first, first, second, second, second, third, third]"
    )
    assert result.steps_missing == ["first", "second", "second", "third", "third"]
    assert result.faults == [
        "did not run: third",
        "first ran once, twice expected",
        "second ran once, 3 times expected",
    ]
    assert result.steps_never_run == ["third"]


def test_a_step_that_nobody_expected_is_told_and_fails_nothing(validator: EndToEndValidator, tmp_path: Path) -> None:
    result = run(validator, tmp_path, two("pass"), expected_steps="[first]")
    assert (result.success, result.steps_unexpected) == (True, ["second"])


def test_a_step_that_ignores_sigterm_ends_at_the_timeout(validator: EndToEndValidator, tmp_path: Path) -> None:
    mark = f"ignores-{os.getpid()}"
    inner = "import time, signal; signal.signal(15, signal.SIG_IGN); time.sleep(99)"
    program = f"import subprocess, sys; {inner[:-14]}subprocess.run([sys.executable, '-c', '{inner}', '{mark}'])"
    begin = time.monotonic()
    result = run(validator, tmp_path, two(program), timeout_minutes=0.1)
    assert (result.verdict, result.outcome) == (Verdict.REJECT, Outcome.TIMEOUT)
    assert result.total_duration < 6 + 1
    assert time.monotonic() - begin < 6 + 2 + 10, "discovery included"
    assert result.steps_missing == ["second"]
    assert "killed after 0.1 minutes, its timeout, while first ran; all of it was gone" in (result.error_details or "")
    assert (result.running_steps, result.failed_step) == (["first"], "first")
    assert not living(mark)


def test_memory_of_a_grandchild_counts(validator: EndToEndValidator, tmp_path: Path) -> None:
    mark = f"greedy-{os.getpid()}"
    inner = "import time; x = [bytearray(8 * 2**20) for _ in range(60)]; time.sleep(99)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{inner}', '{mark}'])"
    result = run(validator, tmp_path, two(program), memory_limit_gb=0.3)
    assert (result.verdict, result.outcome) == (Verdict.REJECT, Outcome.MEMORY)
    assert result.peak_memory_usage > 0.3
    told = result.faults[0]
    assert f"at {result.peak_memory_usage:.2f} GiB, above its memory limit of 0.3 GiB, while first ran" in told
    assert not living(mark)


HANGS = "import time; print('waiting for the lock', flush=True); time.sleep(99)"


def test_a_step_that_hangs_is_named_with_its_time_and_its_last_lines(
    validator: EndToEndValidator, tmp_path: Path
) -> None:
    rules = "{second.duration: {max: 300}, first.duration: {max: 300}}"
    result = run(validator, tmp_path, two("pass", HANGS), timeout_minutes=0.15, validation_rules=rules)
    assert (result.verdict, result.outcome) == (Verdict.REJECT, Outcome.TIMEOUT)
    assert (result.running_steps, result.failed_step) == (["second"], "second")
    assert "waiting for the lock" in result.last_lines
    # from its begin to the kill; what came before it is the start of the program and the first step
    assert 1 < result.performance_metrics["second"] < 9
    first, second = result.validation_results["first.duration"], result.validation_results["second.duration"]
    assert first.passed
    assert (second.measured, second.passed) == (None, False)
    assert "second.duration was not measured, wanted: at most 300" in result.faults


def test_what_a_killed_step_has_exceeded_already_is_measured(validator: EndToEndValidator, tmp_path: Path) -> None:
    program = f"import time; time.sleep(1.5); x = bytearray(b'x') * (400 * 2**20); {HANGS}"
    rules = "{first.duration: {max: 1}}"
    result = run(validator, tmp_path, two(program), memory_limit_gb=0.3, validation_rules=rules)
    assert result.outcome is Outcome.MEMORY
    assert result.running_steps == ["first"]
    rule = result.validation_results["first.duration"]
    assert not rule.passed
    assert rule.measured
    assert rule.measured == result.performance_metrics["first"] > 1


FAULT = """
from slipway_workflows.engine.run import pod
pod._place_artifacts = lambda *_: 1 / 0
"""


@pytest.mark.parametrize("expect", ["succeeded", "failed"])
def test_a_fault_of_slipway_itself_is_broken_and_its_traceback_is_kept(
    validator: EndToEndValidator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect: str
) -> None:
    monkeypatch.setattr("slipway_workflows.validation.execute.PROGRAM", planted(tmp_path))
    result = run(validator, tmp_path, two("pass"), expect=expect)
    assert (result.verdict, result.outcome, result.success) == (Verdict.ERROR, Outcome.BROKEN, False)
    log = validator.directory / "1" / "engine.log"
    assert "ZeroDivisionError" in log.read_text()
    assert f"a fault of Slipway itself; its traceback is in {log}" in "\n".join(result.last_lines)
    assert str(log) in (result.error_details or "")
    assert "/1/home/" not in "\n".join(result.last_lines)


@pytest.mark.parametrize("expect", ["succeeded", "failed"])
def test_a_program_that_dies_is_broken_whatever_is_expected(
    validator: EndToEndValidator, tmp_path: Path, expect: str
) -> None:
    died = "import os, signal, time; time.sleep(1); os.kill(os.getppid(), signal.SIGKILL)"
    result = run(validator, tmp_path, two(died), expect=expect)
    assert (result.verdict, result.outcome) == (Verdict.ERROR, Outcome.BROKEN)
    assert "slipway run ended with signal 9 before the workflow did" in (result.error_details or "")
    assert result.running_steps == ["first"]


def test_a_daemon_of_a_step_is_ended_and_told(validator: EndToEndValidator, tmp_path: Path) -> None:
    mark = f"daemon-{os.getpid()}"
    how = "start_new_session=True, env=dict(), stdin=-3, stdout=-3, stderr=-3"
    inner = "import time; time.sleep(99)"
    program = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{inner}', '{mark}'], {how})"
    result = run(validator, tmp_path, two(program))
    assert result.outcome is Outcome.SUCCEEDED
    assert not living(mark)


def test_what_the_engine_refuses_is_told_before_anything_runs(validator: EndToEndValidator, tmp_path: Path) -> None:
    with pytest.raises((BadInput, WorkflowInvalid), match=r"small: pipeline\.yaml cannot be run"):
        run(validator, tmp_path, two("pass").replace("template: two", "template: three"))
    assert not validator.directory.exists()


def test_data_that_the_pipeline_does_not_take_is_refused(validator: EndToEndValidator, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="takes no parameter dataset"):
        run(validator, tmp_path, two("pass"), data_source="digits")


@pytest.mark.parametrize(("source", "wanted"), [("synthetic", "/home/synthetic"), ("digits", "digits")])
def test_the_pipeline_gets_its_data(validator: EndToEndValidator, tmp_path: Path, source: str, wanted: str) -> None:
    workflow = """
  arguments: {parameters: [{name: dataset, value: none}, {name: seed, value: "3"}]}
  templates:
    - name: main
      inputs: {parameters: [{name: dataset, value: "{{workflow.parameters.dataset}}"}]}
      script:
        image: python:3.11
        command: [python3]
        source: assert "{{inputs.parameters.dataset}}".endswith("WANTED")
"""
    result = run(validator, tmp_path, workflow.replace("WANTED", wanted), expected_steps="[main]", data_source=source)
    assert result.success, result.last_lines


def test_nothing_of_the_users_settings_leads_out(
    validator: EndToEndValidator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_TRACKING_URI", "http://production:5000")
    monkeypatch.setenv("SLIPWAY_MODEL", "kept")
    program = "from os import environ as e; assert 'SLIPWAY_TRACKING_URI' not in e and e['SLIPWAY_MODEL'] == 'kept'"
    result = run(validator, tmp_path, two(program))
    assert result.success, result.last_lines
