"""Runs pipelines on this machine with the local engine: each run is `slipway run FILE` as a process of its own."""

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from slipway_steps import __version__
from slipway_steps.adapters.local.control_groups import remove_groups
from slipway_steps.adapters.local.limits import Limits, make_limits
from slipway_steps.adapters.local.process_tree import PeakMemory, end_marked
from slipway_steps.adapters.local.subreaper import MARK
from slipway_steps.adapters.machine import check_limits, fingerprint, memory_bytes, usable_cores
from slipway_steps.adapters.targets import local_runs
from slipway_steps.adapters.targets.local_disk import HINT, DiskWatch, written
from slipway_steps.adapters.targets.local_run import PROGRAM, STDERR, LocalRun
from slipway_steps.adapters.targets.local_sample import sample_of
from slipway_steps.adapters.targets.local_schedule import LocalSchedule
from slipway_steps.adapters.targets.pipeline_file import refuse_compiled_pipeline
from slipway_steps.domain.errors import BadInput, PlatformError, WorkflowInvalid
from slipway_steps.domain.perf_scenario import MOST_AT_ONCE, PerfScenario, ResourceLimits
from slipway_steps.domain.perf_session import Fingerprint, Firing, RunOutcome, RunSample
from slipway_steps.files import lock_directory, no_room, tells_no_room
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from slipway_steps.adapters.mlflow.experiments import MlflowExperiments
    from slipway_steps.adapters.mlflow.reads import MlflowReads

SHARED = ("locks", "mlflow")
"""What all runs of a session share, as those of a cluster do: locks and MLflow's database. All else each has itself."""
GIVEN = ("images.yaml", "artifacts")
"""What runs read from the home of the user."""
STOP_SECONDS = 10.0
"""Seconds that a run may take to end by itself, its exit handler included, before it is killed."""
EXPERIMENT = "experiment"
"""The file that names the experiment of the session."""
PARAMETERS = "parameters.json"
"""The file in the home of a run that has its parameters."""
LOGS = "logs"
"""The directory of a session that keeps the logs of failed runs."""
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
    notes: Sequence[str] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.unmeasured: Mapping[str, str] = UNMEASURED
        self.session = ""
        self._limits = ResourceLimits()
        self._most: int | None = MOST_AT_ONCE
        self._parameters: dict[str, str] = {}
        self._pipeline: Path | None = None
        self._environment: dict[str, str] = {}
        self._runs: dict[str, LocalRun] = {}
        self._samples: dict[str, RunSample] = {}
        self._disk = DiskWatch(settings.home.absolute())
        self._memory = PeakMemory(self._disk.look)
        self._numbers = itertools.count(1)
        self._schedule: LocalSchedule | None = None
        self._lock: int | None = None

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        """See Target. The pipeline is checked by the engine, as `slipway run --dry-run` does."""
        check_limits(scenario.resource_limits)
        self.session, self._limits = session, scenario.resource_limits
        self._most = None if scenario.allow_more else MOST_AT_ONCE
        self._parameters, self._pipeline = dict(scenario.parameters), pipeline
        if self._lock is None:
            with written(f"the directory of {session}"):
                self._lock = lock_directory(self._directory(session))
        self._environment = {**os.environ, MARK: self._mark(session)}
        if pipeline:
            refuse_compiled_pipeline(pipeline)
            self._check(pipeline)
        if scenario.mode == "EXPERIMENT":
            self._experiments.connect()

    def _directory(self, session: str) -> Path:
        return self.settings.home.absolute() / "perf" / session / "work"

    def _mark(self, session: str) -> str:
        """By what the processes of a session are known: its directory, as another home may have one of its name."""
        # resolved, so that it is the same by whatever links the home was reached
        return str(self._directory(session).parent.resolve())

    def _label(self, session: str) -> str:
        """The beginning of the names of a session's control groups, unique on this machine for the same reason."""
        return f"{session}-{hashlib.sha256(self._mark(session).encode()).hexdigest()[:8]}"

    def _check(self, pipeline: Path) -> None:
        with written(f"what the check of {pipeline} needs"):
            home = self._home(f"{self.session}-check")
            argv = [*PROGRAM, "--home", str(home), "run", str(pipeline), "--dry-run", *self._options(home, {})]
        done = subprocess.run(
            argv, env=self._environment, capture_output=True, text=True, errors="replace", check=False
        )
        said = done.stderr.strip().rpartition("\n")[2].removeprefix("error: ")
        if done.returncode and (full := no_room(home) or (tells_no_room(done.stderr) and said)):
            raise PlatformError(f"{pipeline} cannot be checked: {full}", HINT)
        shutil.rmtree(home, ignore_errors=True)
        if done.returncode:
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

    def _options(self, home: Path, parameters: Mapping[str, str]) -> list[str]:
        """The options that give a run its parameters: by a file, as any user of the machine may read command lines."""
        values = self._parameters | dict(parameters)
        if not values:
            return []
        file = home / PARAMETERS
        file.touch(0o600)
        file.write_text(json.dumps(values))
        return ["--parameter-file", str(file)]

    def submit(self, parameters: Mapping[str, str]) -> str:
        """See Target."""
        if self._pipeline is None:
            raise BadInput("this scenario names no pipeline", "set pipelineFileName")
        name = f"{self.session}-{next(self._numbers)}"
        with written(f"what {name} needs"):
            home = self._home(name)
            argv = [str(self._pipeline), *self._options(home, parameters)]
        limits = self._new_limits(name)
        self._runs[name] = LocalRun(name, home, argv, self._environment, limits, self._memory, self._disk)
        return name

    def _new_limits(self, name: str) -> Limits | None:
        cores, memory = self._limits.cores, self._limits.memory_bytes
        if cores is None and memory is None:
            return None
        millicores = int(1000 * (cores or usable_cores()))
        memory = memory or memory_bytes()
        label = f"{self._label(self.session)}-{name.rpartition('-')[2]}"
        return make_limits(label, memory, millicores, self.settings.limits == "watchdog")

    def wait(self, run: str, deadline: float) -> bool:
        """See Target."""
        return self._runs[run].ended.wait(max(0.0, deadline - time.time()))

    def stop(self, run: str) -> None:
        """See Target. The exit handler of the workflow still runs, if it takes no longer than STOP_SECONDS."""
        if run not in self._runs:
            if self._schedule:
                self._schedule.stop()
            return
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
            sample = sample_of(found)
            if not found.ended.is_set():
                return sample
            self._samples[run] = sample
            if found.limits:
                found.limits.close()
            if sample.outcome in (RunOutcome.FAILED, RunOutcome.BROKEN):
                kept = self._keep_logs(found)
                sample = self._samples[run] = sample.model_copy(update={"message": f"{sample.message}; logs: {kept}"})
            # at once: a hundred runs with an artifact of 50 MiB would fill a disk
            shutil.rmtree(found.home, ignore_errors=True)
        return self._samples[run]

    def _keep_logs(self, run: LocalRun) -> Path:
        """Copy the logs of a run to the session's directory, which stays; returns the directory that has them."""
        target = self._directory(self.session).parent / LOGS / run.name
        for source in (run.home / STDERR, *run.home.glob("runs/*/logs/*.log")):
            with suppress(OSError):
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        return target

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        """See Target: a timer of this process."""
        self._schedule = LocalSchedule(
            every, lambda: self.submit(parameters), lambda run: self._runs[run].ended.is_set(), self._most
        )
        return "timer"

    def firings(self, schedule: str) -> Sequence[Firing]:
        """See Target."""
        return self._schedule.firings() if self._schedule else []

    def create_experiment(self, name: str) -> None:
        """See Target: in the MLflow server of the settings, else in the database that the runs of the session share."""
        # written first, so that it is found after a kill too
        with written(f"the name of the experiment {name}"):
            (self._directory(self.session) / EXPERIMENT).write_text(name)
        self._experiments.create(name)
        self._environment |= {"SLIPWAY_EXPERIMENT": name, "MLFLOW_EXPERIMENT_NAME": name}

    @cached_property
    def _experiments(self) -> "MlflowExperiments":
        from slipway_steps.adapters.mlflow.experiments import MlflowExperiments

        home = self._directory(self.session)
        return MlflowExperiments(Settings(home=home, tracking_uri=self.settings.tracking_uri))

    @cached_property
    def _reads(self) -> "MlflowReads":
        from slipway_steps.adapters.mlflow.reads import MlflowReads

        return MlflowReads(self.settings)

    @property
    def operations(self) -> Sequence[str]:
        """See Target: reads of MLflow, where there is one, and of the run store under `home`."""
        return [*self._reads.operations, *local_runs.operations(self.settings.home)]

    def get(self, operation: str) -> int:
        """See Target."""
        if operation.startswith("registry/"):
            return self._reads.get(operation)
        local_runs.read(self.settings.home, operation)
        return 200

    def pool(self) -> Mapping[str, float]:
        """See Target."""
        return self._reads.pool()

    def finished(self, since: float) -> Sequence[RunSample]:
        """See Target: the runs under `home`."""
        return list(local_runs.finished(self.settings.home, since))

    def fingerprint(self) -> Fingerprint:
        """See Target."""
        return fingerprint(self.name, self.version)

    def sessions(self) -> Mapping[str, float]:
        """See Target: their directories tell of them."""
        return {}

    def remove(self, session: str) -> Sequence[str]:
        """See Target. The logs of failed runs stay, in the session's directory."""
        if self._schedule:
            self._schedule.stop()
        self._memory.close()
        found = [f"process {pid}" for pid in end_marked(self._mark(session))]
        found += [f"control group {path}" for path in remove_groups(self._label(session))]
        directory = self._directory(session)
        if (marker := directory / EXPERIMENT).exists() and self.settings.tracking_uri:
            name = marker.read_text()
            if self._experiments.delete(name):
                found.append(f"experiment {name}")
        if directory.exists():
            found.append(f"directory {directory}")
            shutil.rmtree(directory, ignore_errors=True)
        if self._lock is not None and session == self.session:
            os.close(self._lock)
            self._lock = None
        return found
