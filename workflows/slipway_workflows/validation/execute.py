"""Runs a scenario: `slipway run` as a process under its limits, with a home of its own that is removed afterwards."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from slipway_steps.adapters.local.bounded_run import BoundedRun, Bounds, run_bounded
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.validation import E2ETestResult, E2ETestScenario, Outcome
from slipway_steps.domain.verdict import GateReport, Verdict
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.engine.state.events import log_file
from slipway_workflows.engine.state.store import FAULT_LOG
from slipway_workflows.validation.homes import own_home
from slipway_workflows.validation.pipelines import PROGRAM, data_options, environment, pipeline_of
from slipway_workflows.validation.rules import judge_rules
from slipway_workflows.validation.steps import (
    StepRun,
    doubled,
    missing,
    steps_of,
    times_text,
    too_seldom,
    unforeseen,
)

STDOUT, STDERR = "workflow.json", "stderr.txt"
LAST_LINES = 20
RELEASE_STATE = "slipway_workflows.cli.release_state"
"""The program that prints the reports of the gates. It imports MLflow, and so runs as a process of its own."""
GIB = 2**30
WITHOUT_END = (Outcome.REFUSED, Outcome.BROKEN, Outcome.FAILED, Outcome.TIMEOUT, Outcome.MEMORY)
"""The outcomes that the last lines explain."""
REJECTED = 2
"""The exit code of `slipway run` for a release that a gate rejected."""
SHARED = "images.yaml"
"""What a run reads from the home of the user."""


def execute(scenario: E2ETestScenario, directory: Path, home: Path | None = None) -> E2ETestResult:
    """Run a scenario and judge it; nothing of it runs any more afterwards.

    directory: where its files are put while it runs; of them the output of the program is kept. home: that of the user.
    Raises BadInput where it cannot be run, PlatformError where the machine does not let it.
    """
    with own_home(directory) as own:
        if home and (home / SHARED).exists():
            (own / SHARED).symlink_to(home.absolute() / SHARED)
        return _executed(scenario, directory, own)


def _executed(scenario: E2ETestScenario, directory: Path, home: Path) -> E2ETestResult:
    pipeline = pipeline_of(scenario)
    slipway = [*PROGRAM, "--home", str(home)]
    done = run_bounded(
        Bounds(
            command=[*slipway, "run", pipeline.target, "--output", "json", *data_options(scenario, pipeline, home)],
            stdout=str(directory / STDOUT),
            stderr=str(directory / STDERR),
            seconds=scenario.timeout_minutes * 60,
            memory=scenario.memory_limit_bytes,
            clean_up=[*slipway, "down"],
            clean_up_if=str(home / "environments"),
        ),
        environment(),
    )
    workflow = _workflow(directory, home)
    moved = _kept_logs(directory, home)
    result = judge(scenario, done, workflow, _reports(workflow, home), list(moved.values()))
    if workflow:
        _explain(result, steps_of(workflow, done.until), home / "runs" / workflow.name)
    if result.outcome in WITHOUT_END and not result.failed_step:
        result.last_lines = _last_lines(directory / STDERR)
    for old, new in moved.items():
        result.last_lines = [line.replace(str(old), str(new)) for line in result.last_lines]
    return result


def _kept_logs(directory: Path, home: Path) -> dict[Path, Path]:
    """Keep the tracebacks of Slipway's own faults: where each file was -> where it is now."""
    moved = {}
    for number, old in enumerate(sorted(home.glob(f"runs/*/{FAULT_LOG}"))):
        new = directory / (FAULT_LOG if not number else f"{number + 1}-{FAULT_LOG}")
        with suppress(OSError):
            moved[old] = Path(shutil.copyfile(old, new))
    return moved


def _explain(result: E2ETestResult, steps: Sequence[StepRun], run: Path) -> None:
    """Add the last lines of the first step that failed or was killed, and of all others that were killed.

    run: the run's directory. `rejected` is no cause: it fails on purpose, to show a rejection.
    """
    for step in steps:
        if step.running or (step.failed and step.name != "rejected"):
            lines = _lines_of(step, run)
            if not result.failed_step:
                result.failed_step, result.last_lines = step.name, lines
            elif step.running:
                result.running_lines[step.name] = lines


def _lines_of(step: StepRun, run: Path) -> list[str]:
    """The last lines of a step: of what ran when it was killed, else of its last failure."""
    if step.running:
        return next(filter(None, (_last_lines(log_file(run, node.id)) for node in step.running)), [])
    node = next(node for node in reversed(step.nodes) if node.phase.failed)
    return _last_lines(log_file(run, node.id)) or [node.message]


def judge(
    scenario: E2ETestScenario,
    done: BoundedRun,
    workflow: StoredWorkflow | None,
    reports: Sequence[GateReport],
    own_faults: Sequence[Path] = (),
) -> E2ETestResult:
    """The result of a run: how it ended, its steps and its rules, and all that is not as the scenario expects.

    own_faults: files with tracebacks of Slipway itself.
    """
    steps = steps_of(workflow, done.until) if workflow else []
    seconds = {step.name: round(step.seconds, 3) for step in steps}
    peak = done.peak / GIB
    expected, outcome = scenario.expected_steps, _outcome(done, workflow, steps, own_faults)
    result = E2ETestResult(
        scenario_name=scenario.scenario_name,
        success=False,
        verdict=Verdict.PASS,
        expect=scenario.expect,
        outcome=outcome,
        total_duration=done.seconds,
        peak_memory_usage=peak,
        memory_limit_gb=scenario.memory_limit_gb,
        timeout_minutes=scenario.timeout_minutes,
        steps_expected=len(expected),
        steps_executed=len(steps),
        steps_failed=sum(step.failed for step in steps),
        failed_steps=[step.name for step in steps if step.failed],
        running_steps=[step.name for step in steps if step.running],
        steps_missing=missing(expected, steps),
        steps_unexpected=unforeseen(expected, steps),
        validation_results=judge_rules(
            scenario, reports, done.seconds, peak, seconds, [step.name for step in steps if step.running]
        ),
        performance_metrics=seconds,
        left_behind=done.left,
    )
    twice = doubled(expected, steps)
    result.steps_unexpected += [f"{name} ({times} times)" for name, times in twice.items()]
    faults = [
        *_limit_faults(scenario, done, result.running_steps),
        *_own_faults(done, outcome, own_faults),
        *_faults(result, too_seldom(expected, steps), twice),
    ]
    broken = outcome in (Outcome.REFUSED, Outcome.BROKEN) or bool(done.alive)
    result.verdict = Verdict.ERROR if broken else Verdict.REJECT if faults else Verdict.PASS
    result.success = result.verdict is Verdict.PASS
    result.error_details = "\n".join(faults) or None
    return result


def _outcome(
    done: BoundedRun, workflow: StoredWorkflow | None, steps: Sequence[StepRun], own_faults: Sequence[Path]
) -> Outcome:
    if own_faults:
        return Outcome.BROKEN
    if done.ended_by in (Outcome.TIMEOUT, Outcome.MEMORY):
        return Outcome(done.ended_by)
    if workflow is None:
        return Outcome.REFUSED
    if not workflow.phase.completed:
        return Outcome.BROKEN
    if done.code:
        return Outcome.REJECTED if done.code == REJECTED else Outcome.FAILED
    promoted = any(step.name == "promote" and not step.failed for step in steps)
    return Outcome.PROMOTED if promoted else Outcome.SUCCEEDED


def _limit_faults(scenario: E2ETestScenario, done: BoundedRun, running: Sequence[str]) -> Iterator[str]:
    """What the run itself showed."""
    during = f", while {', '.join(running)} ran" if running else ""
    if done.ended_by == Outcome.TIMEOUT:
        yield (
            f"killed after {scenario.timeout_minutes:g} minutes, its timeout{during}; "
            f"all of it was gone {done.late:.2f} s later"
        )
    if done.ended_by == Outcome.MEMORY:
        yield (
            f"killed at {done.peak / GIB:.2f} GiB, above its memory limit of {scenario.memory_limit_gb:g} GiB{during}; "
            f"all of it was gone {done.late:.2f} s after it was last below"
        )
    if done.alive:
        yield f"processes {', '.join(map(str, done.alive))} cannot be ended: they wait for a device"


def _own_faults(done: BoundedRun, outcome: Outcome, logs: Sequence[Path]) -> Iterator[str]:
    """What failed in Slipway itself."""
    for log in logs:
        yield f"a fault of Slipway itself: its traceback is in {log}"
    if outcome is Outcome.BROKEN and not logs:
        how = f"signal {-done.code}" if done.code < 0 else f"exit code {done.code}"
        yield f"slipway run ended with {how} before the workflow did"


def _faults(result: E2ETestResult, seldom: Mapping[str, tuple[int, int]], twice: Mapping[str, int]) -> Iterator[str]:
    """What differs from what the scenario expects."""
    if result.outcome is Outcome.REFUSED:
        yield "the workflow never began"
    elif result.outcome not in (Outcome.TIMEOUT, Outcome.MEMORY, Outcome.BROKEN) and not result.ended_as_expected:
        yield f"{result.outcome}, but {result.expect} was expected"
    if result.steps_never_run:
        yield f"did not run: {', '.join(result.steps_never_run)}"
    for name, (ran, wanted) in seldom.items():
        yield f"{name} ran {times_text(ran)}, {times_text(wanted)} expected"
    for name, times in twice.items():
        yield f"{name} ran {times} times"
    for name, rule in result.validation_results.items():
        if not rule.passed:
            told = "was not measured" if rule.measured is None else f"is {rule.measured:.4g}"
            yield f"{name} {told}, wanted: {rule.wanted}"


def _workflow(directory: Path, home: Path) -> StoredWorkflow | None:
    """The workflow as the program has printed it, else (where it was killed) as the engine has stored it so far."""
    for path in (directory / STDOUT, *home.glob("runs/*/workflow.json")):
        with suppress(OSError, ValueError, BadInput):
            found = read_workflow(json.loads(path.read_text(errors="replace")))
            found.nodes  # noqa: B018 - reads them, or raises
            return found
    return None


def _reports(workflow: StoredWorkflow | None, home: Path) -> list[GateReport]:
    """The reports of the gates; none where there are no gates, or they cannot be read: rules on them fail then."""
    if workflow is None or not (home / "mlflow").is_dir():
        return []
    done = subprocess.run(
        [sys.executable, "-P", "-m", RELEASE_STATE, workflow.name],
        env=environment() | {"SLIPWAY_HOME": str(home)},
        capture_output=True,
        check=False,
    )
    try:
        return [GateReport.model_validate(one) for one in json.loads(done.stdout)["reports"]]
    except (ValueError, LookupError, TypeError):
        return []


def _last_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(errors="replace")[-20_000:]
    except OSError:
        return []
    return [line[:400] for line in text.splitlines() if line.strip()][-LAST_LINES:]
