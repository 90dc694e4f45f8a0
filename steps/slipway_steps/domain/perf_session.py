"""What a performance test measured: its runs, requests and firings, and the machine that it ran on."""

import hashlib
import json
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Check, Verdict


class _Frozen(BaseModel):
    # JSON has no infinite numbers, and null in their place could not be read again
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")


class RunOutcome(StrEnum):
    """How a run ended. unfinished: it was ended at the deadline of its session. broken: the target could not be asked,
    so that nothing is known about the pipeline. Only a run that succeeded is timed.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    BROKEN = "broken"


class Phase(_Frozen):
    """A piece of a run for its waterfall: seconds after the submission. `component`: the step that it belongs to."""

    name: str
    start: float
    end: float
    component: str = ""


class RunSample(_Frozen):
    """One run of a pipeline: one sample of each metric.

    `run` is its name at the target, `pipeline` the template that it ran, where the target knows it, and `started` its
    submission in Unix seconds. `metrics` are named as in `perf_metrics.METRICS`; what was not measured is absent.
    `components` are the seconds of each step, by name. `yardstick`: seconds that a fixed piece of work took just before
    it (see perf/yardstick). `measures`: what a mode measured beside, such as MiB/s, by name.
    """

    run: str
    started: float
    outcome: RunOutcome
    pipeline: str = ""
    message: str = ""
    warm_up: bool = False
    concurrency: int = 1
    metrics: dict[str, float] = {}
    components: dict[str, float] = {}
    phases: list[Phase] = []
    measures: dict[str, float] = {}
    yardstick: float | None = None


class ApiRequest(_Frozen):
    """One request of mode RANDOM_GETS. `due` is when it should have been sent, in Unix seconds; `seconds` counts from
    then on, so that a server that stalls is seen in every request that had to wait. `status` 0: no answer.
    """

    operation: str
    due: float
    seconds: float
    status: int

    @property
    def failed(self) -> bool:
        """Whether there was no answer, or one that is an error."""
        return not 200 <= self.status < 400


class Firing(_Frozen):
    """One firing of a schedule. Times are Unix seconds; `started` None: it was missed. `overlapping`: the run of the
    firing before had not ended yet. `broken`: why the target could not start its run; "" where it did, or was late.
    """

    due: float
    started: float | None = None
    run: str = ""
    overlapping: bool = False
    broken: str = ""

    @property
    def lateness(self) -> float | None:
        """Seconds that the run started late."""
        return None if self.started is None else self.started - self.due


class StepTime(_Frozen):
    """The median seconds of a step over the timed runs of a session, and its share of their median time. In a
    run that did not have the step, it took 0 s.
    """

    name: str
    seconds: float
    share: float


class Level(_Frozen):
    """The runs of a stress test at one concurrency. `failed`: those that did not succeed. `median`: seconds from end to
    end; None where no run succeeded.
    """

    concurrency: int
    runs: int
    failed: int
    median: float | None


class Fingerprint(_Frozen):
    """What a measurement depends on beside the pipeline. Two sessions are compared only where it is equal.

    It is that of what the runs were on: this machine, or the nodes of a cluster. Of these Kubernetes tells no model of
    a processor, and `python` is empty, as each step has that of its image. Where nodes cannot be read, `cpu` says so,
    and the rest is empty or 0.
    """

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    target: str
    target_version: str

    @property
    def digest(self) -> str:
        """A short name of the fingerprint."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    @property
    def machine(self) -> str:
        """A short name of all but the target's version: people who heard that a new one is slow hear of its end too."""
        return hashlib.sha256(self.model_dump_json(exclude={"target_version"}).encode()).hexdigest()[:12]


class PerfSession(_Frozen):
    """One performance test from its first to its last run.

    `name` such as perf-x7k2p is the label of all that it made. `scenario_digest` is of the scenario and its pipeline's
    file. `unmeasured`: metric -> why the target cannot measure it. `measures`: what a mode found, by name with its unit
    (`throughput MiB/s`). `plugins`: what each plugin collected or concluded. `errors`: what could not be done.
    """

    name: str
    scenario: PerfScenario
    scenario_digest: str
    revision: str
    fingerprint: Fingerprint
    started: float
    finished: float
    runs: list[RunSample] = []
    requests: list[ApiRequest] = []
    firings: list[Firing] = []
    unmeasured: dict[str, str] = {}
    measures: dict[str, float] = {}
    plugins: dict[str, dict[str, object]] = {}
    errors: list[str] = []
    notes: list[str] = []
    checks: list[Check] = []
    verdict: Verdict = Verdict.INCONCLUSIVE

    @property
    def subject(self) -> str:
        """A short name of what people call the scenario, by which they hear of it: the same where its pipeline was
        edited, or how often it runs.
        """
        scenario = self.scenario
        named = [scenario.name, scenario.mode, scenario.kind, scenario.pipeline_file_name]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:12]

    @property
    def counted(self) -> list[RunSample]:
        """The runs that are no warm-up."""
        return [run for run in self.runs if not run.warm_up]

    @property
    def judged(self) -> list[RunSample]:
        """The counted runs that the session is judged by.

        Of a stress test these are the runs at the concurrency that it begins with: how many runs there are at each
        higher one depends on where it ends, and a median over all would be of another mixture in each session.
        """
        if self.scenario.kind != "stress":
            return self.counted
        return [run for run in self.counted if run.concurrency == self.scenario.concurrency]

    @property
    def timed(self) -> list[RunSample]:
        """The judged runs that succeeded."""
        return [run for run in self.judged if run.outcome is RunOutcome.SUCCEEDED]

    def levels(self) -> list[Level]:
        """The runs of a stress test by their concurrency, the lowest first; of another kind, nothing."""
        if self.scenario.kind != "stress":
            return []
        found = []
        for concurrency in sorted({run.concurrency for run in self.counted}):
            runs = [run for run in self.counted if run.concurrency == concurrency]
            good = [run for run in runs if run.outcome is RunOutcome.SUCCEEDED]
            seconds = [run.metrics["end-to-end"] for run in good if "end-to-end" in run.metrics]
            median = percentile(seconds, 50) if seconds else None
            found.append(Level(concurrency=concurrency, runs=len(runs), failed=len(runs) - len(good), median=median))
        return found

    def values(self, metric: str) -> list[float]:
        """A metric of all timed runs in which it was measured, in the order of the runs."""
        return [run.metrics[metric] for run in self.timed if metric in run.metrics]

    def median(self, metric: str) -> float | None:
        """The median (nearest rank) of a metric; None where it was not measured."""
        values = self.values(metric)
        return percentile(values, 50) if values else None

    def steps(self) -> list[StepTime]:
        """The steps by their time, the longest first."""
        whole = self.median("end-to-end") or 0.0
        names = dict.fromkeys(name for run in self.timed for name in run.components)
        medians = {name: percentile([run.components.get(name, 0.0) for run in self.timed], 50) for name in names}
        ordered = sorted(medians.items(), key=lambda item: -item[1])
        return [StepTime(name=name, seconds=one, share=one / whole if whole else 0.0) for name, one in ordered]
