"""A target whose runs take no time: what each run measured is told beforehand."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, Firing, RunOutcome, RunSample

FINGERPRINT = Fingerprint(
    cpu="c", cores=2, memory_bytes=2**34, kernel="6", python="3.11", target="fake", target_version="1"
)


def sample(run: str = "r", cpu: float = 0.6, seconds: float = 1.0, **components: float) -> RunSample:
    """A run that succeeded."""
    metrics = {"end-to-end": seconds, "cpu": cpu, "between-steps": 0.01}
    return RunSample(run=run, started=time.time(), outcome=RunOutcome.SUCCEEDED, metrics=metrics, components=components)


def failed(run: str = "r", message: str = "exit code 1") -> RunSample:
    """A run that failed."""
    return RunSample(run=run, started=time.time(), outcome=RunOutcome.FAILED, message=message)


class FakeTarget:
    """Implements perf_ports.Target. `make` gives the sample of each run by its number; None: the run never ends."""

    name, version = "fake", "1"
    operations: Sequence[str] = ()
    notes: Sequence[str] = ()

    def __init__(self, make: Callable[[int], RunSample | None], unmeasured: Mapping[str, str] | None = None) -> None:
        self.make = make
        self.unmeasured: Mapping[str, str] = unmeasured or {}
        self.prepared: list[tuple[str, Path | None]] = []
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.removed: list[str] = []
        self.samples: dict[str, RunSample | None] = {}
        self.log: list[str] = []

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        if pipeline is not None and not pipeline.exists():
            raise BadInput(f"no pipeline {pipeline}")
        self.prepared.append((session, pipeline))

    def submit(self, parameters: Mapping[str, str]) -> str:
        assert self.prepared, "a target is prepared before its first run"
        run = f"{self.prepared[-1][0]}-{len(self.started) + 1}"
        self.started.append(run)
        self.log.append(run)
        self.samples[run] = self.make(len(self.started))
        return run

    def wait(self, run: str, deadline: float) -> bool:
        if self.samples[run] is None:
            time.sleep(max(deadline - time.time(), 0))
            return False
        return True

    def stop(self, run: str) -> None:
        self.stopped.append(run)

    def read(self, run: str) -> RunSample:
        found = self.samples[run]
        if found is None:
            return RunSample(run=run, started=time.time(), outcome=RunOutcome.UNFINISHED)
        return found.model_copy(update={"run": run})

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        raise Broken("no schedules")

    def firings(self, schedule: str) -> Sequence[Firing]:
        return []

    def create_experiment(self, name: str) -> None:
        raise Broken("no experiments")

    def get(self, operation: str) -> int:
        raise Broken("no requests")

    def pool(self) -> Mapping[str, float]:
        return {}

    def finished(self, since: float) -> Sequence[RunSample]:
        return []

    def fingerprint(self) -> Fingerprint:
        return FINGERPRINT

    def sessions(self) -> Mapping[str, float]:
        return {}

    def remove(self, session: str) -> Sequence[str]:
        self.removed.append(session)
        return []
