"""A target whose runs only sleep, so that the driver, the modes and the kinds can be tested in milliseconds."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slipway_steps.adapters.machine import fingerprint
from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, Firing, RunOutcome, RunSample


class SleepingTarget:
    """Runs take `seconds`; a run for which `fails` holds fails. The attributes tell what the driver did."""

    name, version = "local", "fake 1"
    unmeasured: Mapping[str, str] = {"network-sent": "nothing is sent"}
    notes: Sequence[str] = ()

    def __init__(self, seconds: float = 0.01, fails: Callable[[int], bool] = lambda number: False) -> None:
        self.seconds, self.fails = seconds, fails
        self.memory: Callable[[int], float] = lambda number: 1e6
        self.cores = 1000
        self.parameters: list[Mapping[str, str]] = []
        self.removed: list[str] = []
        self.left: dict[str, float] = {}
        self.experiments: list[str] = []
        self.most = 0
        self.ended: dict[str, threading.Event] = {}
        self.started: dict[str, float] = {}
        self.stopped: set[str] = set()
        self.broken = False
        self.operations: Sequence[str] = ("a", "b")
        self.asked: list[str] = []
        self._numbers = itertools.count(1)
        self._cores = threading.Semaphore(1000)

    def limit_cores(self, cores: int) -> None:
        """Let only so many runs make progress at a time."""
        self._cores = threading.Semaphore(cores)

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        self.session = session

    def submit(self, parameters: Mapping[str, str]) -> str:
        if self.broken:
            raise Broken("the cluster does not answer")
        run = f"{self.session}-{next(self._numbers)}"
        self.parameters.append(parameters)
        self.started[run], self.ended[run] = time.time(), threading.Event()
        running = len(self.started) - sum(one.is_set() for one in self.ended.values())
        self.most = max(self.most, running)
        threading.Thread(target=self._run, args=(run,), daemon=True).start()
        return run

    def _run(self, run: str) -> None:
        with self._cores:
            time.sleep(self.seconds)
        self.ended[run].set()

    def wait(self, run: str, deadline: float) -> bool:
        return self.ended[run].wait(max(0.0, deadline - time.time()))

    def stop(self, run: str) -> None:
        if run in self.ended and not self.ended[run].is_set():
            self.stopped.add(run)

    def read(self, run: str) -> RunSample:
        number, started = int(run.rpartition("-")[2]), self.started[run]
        if run in self.stopped or not self.ended[run].is_set():
            return RunSample(run=run, started=started, outcome=RunOutcome.UNFINISHED)
        if self.fails(number):
            return RunSample(run=run, started=started, outcome=RunOutcome.FAILED, message="step a: out of luck")
        metrics = {"end-to-end": self.seconds, "memory": self.memory(number)}
        return RunSample(run=run, started=started, outcome=RunOutcome.SUCCEEDED, metrics=metrics)

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        raise NotImplementedError

    def firings(self, schedule: str) -> Sequence[Firing]:
        raise NotImplementedError

    def create_experiment(self, name: str) -> None:
        self.experiments.append(name)

    def get(self, operation: str) -> int:
        self.asked.append(operation)
        return 200

    def pool(self) -> Mapping[str, float]:
        return {"connections": 1}

    def finished(self, since: float) -> Sequence[RunSample]:
        return []

    def fingerprint(self) -> Fingerprint:
        return fingerprint(self.name, self.version)

    def sessions(self) -> Mapping[str, float]:
        return self.left

    def remove(self, session: str) -> Sequence[str]:
        self.removed.append(session)
        return []
