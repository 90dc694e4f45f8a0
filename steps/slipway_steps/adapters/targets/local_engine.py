"""Runs pipelines on this machine with the local engine: each run is `slipway run FILE` as a process of its own."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from slipway_steps import __version__
from slipway_steps.adapters.local.limits import Limits, make_limits, remove_groups
from slipway_steps.adapters.local.machine import check_limits
from slipway_steps.adapters.local.process_tree import MARK, PeakMemory, end_marked
from slipway_steps.adapters.targets.local_run import PROGRAM, STDOUT, LocalRun
from slipway_steps.adapters.targets.local_sample import by_component, step_name, timeline, totals
from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_steps.domain.perf_metrics import CPU, END_TO_END
from slipway_steps.domain.perf_scenario import PerfScenario, ResourceLimits
from slipway_steps.domain.perf_session import Firing, RunOutcome, RunSample
from slipway_steps.settings import Settings

SHARED = ("locks", "mlflow")
"""What all runs of a session share, as those of a cluster do: locks and MLflow's database. All else each has itself."""
GIVEN = ("images.yaml", "artifacts")
"""What runs read from the home of the user."""
STOP_SECONDS = 10.0
"""Seconds that a run may take to end by itself, its exit handler included, before it is killed."""
BLOCK = 512
"""Bytes of the unit in which the kernel counts what was read and written."""
UNMEASURED = {
    "network-received": "the processes of this machine share its network",
    "network-sent": "the processes of this machine share its network",
} | dict.fromkeys(
    ("create-to-schedule", "volumes-and-sandbox", "image-pull", "schedule-to-run"), "there are no pods on one machine"
)


class LocalEngineTarget:
    """Implements perf_ports.Target with the local engine. All that a session makes lies below `home`/perf/<session>."""

    name = "local"
    version = f"slipway {__version__}"
    operations: Sequence[str] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.unmeasured: Mapping[str, str] = UNMEASURED
        self.session = ""
        self._limits = ResourceLimits()
        self._parameters: dict[str, str] = {}
        self._pipeline: Path | None = None
        self._environment: dict[str, str] = {}
        self._runs: dict[str, LocalRun] = {}
        self._samples: dict[str, RunSample] = {}
        self._memory = PeakMemory()
        self._numbers = itertools.count(1)

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        """See Target. The pipeline is checked by the engine, as `slipway run --dry-run` does."""
        check_limits(scenario.resource_limits)
        self.session, self._limits = session, scenario.resource_limits
        self._parameters, self._pipeline = dict(scenario.parameters), pipeline
        self._environment = {**os.environ, MARK: session}
        if pipeline:
            _refuse_compiled_pipeline(pipeline)
            self._check(pipeline)

    def _directory(self, session: str) -> Path:
        return self.settings.home.absolute() / "perf" / session / "work"

    def _check(self, pipeline: Path) -> None:
        home = self._home(f"{self.session}-check")
        argv = [*PROGRAM, "--home", str(home), "run", str(pipeline), "--dry-run", *self._options({})]
        done = subprocess.run(
            argv, env=self._environment, capture_output=True, text=True, errors="replace", check=False
        )
        shutil.rmtree(home, ignore_errors=True)
        if done.returncode:
            said = done.stderr.strip().rpartition("\n")[2].removeprefix("error: ")
            raise WorkflowInvalid(f"{pipeline} cannot be run: {said or f'exit code {done.returncode}'}")

    def _home(self, run: str) -> Path:
        """A new home for a run."""
        directory = self._directory(self.session)
        home = directory / run
        home.mkdir(parents=True)
        for name in SHARED:
            (directory / name).mkdir(exist_ok=True)
            (home / name).symlink_to(directory / name)
        for name in GIVEN:
            if (given := self.settings.home.absolute() / name).exists():
                (home / name).symlink_to(given)
        return home

    def _options(self, parameters: Mapping[str, str]) -> list[str]:
        values = self._parameters | dict(parameters)
        return [part for name, value in values.items() for part in ("-p", f"{name}={value}")]

    def submit(self, parameters: Mapping[str, str]) -> str:
        """See Target."""
        if self._pipeline is None:
            raise BadInput("this scenario names no pipeline", "set pipelineFileName")
        name = f"{self.session}-{next(self._numbers)}"
        home = self._home(name)
        argv = [str(self._pipeline), *self._options(parameters)]
        self._runs[name] = LocalRun(name, home, argv, self._environment, self._new_limits(name), self._memory)
        return name

    def _new_limits(self, name: str) -> Limits | None:
        cores, memory = self._limits.cores, self._limits.memory_bytes
        if cores is None and memory is None:
            return None
        millicores = int(cores * 1000) if cores else (os.cpu_count() or 1) * 1000
        memory = memory or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return make_limits(name, memory, millicores, self.settings.limits == "watchdog")

    def wait(self, run: str, deadline: float) -> bool:
        """See Target."""
        return self._runs[run].ended.wait(max(0.0, deadline - time.time()))

    def stop(self, run: str) -> None:
        """See Target. The exit handler of the workflow still runs, if it takes no longer than STOP_SECONDS."""
        found = self._runs[run]
        if found.ended.is_set():
            return
        found.ended_by_us = True
        found.signal(signal.SIGTERM)
        if not found.ended.wait(STOP_SECONDS):
            found.signal(signal.SIGKILL)
            found.ended.wait()

    def read(self, run: str) -> RunSample:
        """See Target."""
        if run not in self._samples:
            found = self._runs[run]
            sample = _sample(found)
            if not found.ended.is_set():
                return sample
            self._samples[run] = sample
            if found.limits:
                found.limits.close()
            if sample.outcome is RunOutcome.SUCCEEDED:
                shutil.rmtree(found.home, ignore_errors=True)
        return self._samples[run]

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        """See Target."""
        raise NotImplementedError

    def firings(self, schedule: str) -> Sequence[Firing]:
        """See Target."""
        raise NotImplementedError

    def create_experiment(self, name: str) -> None:
        """See Target."""
        raise NotImplementedError

    def get(self, operation: str) -> int:
        """See Target."""
        raise NotImplementedError

    def pool(self) -> Mapping[str, float]:
        """See Target: nothing here has a pool of connections."""
        return {}

    def finished(self, since: float) -> Sequence[RunSample]:
        """See Target."""
        raise NotImplementedError

    def remove(self, session: str) -> Sequence[str]:
        """See Target. The logs of failed runs stay, in the session's directory."""
        ended = [f"process {pid}" for pid in end_marked(session)]
        groups = [f"control group {path}" for path in remove_groups(session)]
        directory = self._directory(session)
        there = [f"directory {directory}"] if directory.exists() else []
        shutil.rmtree(directory, ignore_errors=True)
        return [*ended, *groups, *there]


def _refuse_compiled_pipeline(pipeline: Path) -> None:
    """Raises WorkflowInvalid for a pipeline that Kubeflow's compiler made (its intermediate representation)."""
    try:
        first = next(iter(yaml.safe_load_all(pipeline.read_text())), None)
    except (OSError, ValueError, yaml.YAMLError):
        return  # the engine says what is wrong with the file, and where
    if isinstance(first, dict) and "pipelineInfo" in first:
        raise WorkflowInvalid(
            f"{pipeline} is a compiled pipeline of Kubeflow, not a Workflow of Argo", "use --target kfp, or a Workflow"
        )


def _sample(run: LocalRun) -> RunSample:
    told: dict[str, Any] = {"run": run.name, "started": run.started}
    if not run.ended.is_set() or run.ended_by_us:
        return RunSample(**told, outcome=RunOutcome.UNFINISHED, message="ended at the deadline of its session")
    workflow: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        workflow = json.loads((run.home / STDOUT).read_text())
    status = workflow.get("status") or {}
    if run.code or status.get("phase") != "Succeeded" or run.usage is None:
        return RunSample(**told, outcome=RunOutcome.FAILED, message=_message(run, status))
    phases = timeline(status, run.started, run.seconds)
    steps = by_component(phases)
    metrics = {
        END_TO_END: run.seconds,
        CPU: run.usage.ru_utime + run.usage.ru_stime,
        "between-steps": totals(phases, "between-steps"),
        "storage-read": run.usage.ru_inblock * BLOCK,
        "storage-written": run.usage.ru_oublock * BLOCK,
    }
    if run.peak:
        metrics["memory"] = run.peak
    return RunSample(**told, outcome=RunOutcome.SUCCEEDED, metrics=metrics, components=steps, phases=phases)


def _message(run: LocalRun, status: Mapping[str, Any]) -> str:
    """Why a run failed: its first step that failed, else the last line that the program wrote."""
    if run.limits and run.limits.oom_killed():
        return f"{run.name} was killed: it used more memory than its limit"
    for node in (status.get("nodes") or {}).values():
        if node.get("type") == "Pod" and node.get("phase") in ("Failed", "Error"):
            return f"{run.name}: step {step_name(node)}: {node.get('message') or node['phase']}"
    said = [line for line in run.stderr().splitlines() if line.strip()]
    ended = f"signal {-run.code}" if run.code < 0 else f"exit code {run.code}"
    return f"{run.name} ended with {ended}" + (f": {said[-1].removeprefix('error: ')}" if said else "")
