"""A scenario of a performance test: which pipeline is run, how often, how many at a time, and under which limits.

It is written as JSON with the field names of Kubeflow's proposal for performance tests (`numTimes`,
`pipelineFileName`). `perf.scenario_file` reads the file.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_snake

from slipway_steps.domain.nearest import nearest
from slipway_steps.domain.perf_measures import measures_of
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.quantity import parse_quantity

MODES = ("PIPELINE_RUN", "EXPERIMENT", "RANDOM_GETS", "SCHEDULED_RUNS", "LARGE_DATASET")
"""The modes that Slipway brings; packages add more by the entry point `slipway.perf.modes`."""
KINDS: dict[str, dict[str, int]] = {
    "smoke": {"numTimes": 3, "concurrency": 1},
    "load": {"numTimes": 20, "concurrency": 5},
    "stress": {},
    "soak": {},
}
"""What each kind fills in where a scenario leaves it out.

stress doubles the concurrency until more than 5 % of the runs fail or the throughput stops growing; soak runs until
`runTime` ends.
"""
TARGETS = ("local", "argo", "kfp")
MOST_RUNS, MOST_AT_ONCE, MOST_REQUESTS = 1000, 50, 100.0
"""Caps that keep a typing error from flooding a cluster: runs, runs at a time, requests a second."""
LEAST_INTERVAL = 1.0
"""Seconds between two firings of a schedule; one that fires more often floods too."""
MOST_QUANTITY = 2**63 - 1
"""The largest quantity of Kubernetes."""
LEAST_CORES, LEAST_MEMORY = Decimal("0.01"), 2**20
"""Cores and bytes under which nothing runs: such a limit is a slip, as 100m of memory is a tenth of a byte."""
LEAST_RUNS = 5
"""Runs that succeeded, under which a session says nothing about a pipeline's time."""


def _quantity(text: str) -> str:
    if not text:
        return text
    value = parse_quantity(text)
    if not (value.is_finite() and value > 0):
        raise ValueError(f"{text!r} is not above 0")
    if value > MOST_QUANTITY:
        raise ValueError(f"{text!r} is more than any machine has")
    return text


def _no_boolean(value: object) -> object:
    """JSON's true is no 1, although Python's is."""
    if value is True or value is False:
        raise ValueError(f"{str(value).lower()} is no number")
    return value


Quantity = Annotated[str, AfterValidator(_quantity)]
"""A quantity of Kubernetes; empty: none."""
Integer = Annotated[int, BeforeValidator(_no_boolean)]
Number = Annotated[float, BeforeValidator(_no_boolean)]


def _check_name(field: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        hint = nearest(name, known) or f"there are {', '.join(known)}"
        raise ValueError(f"{field}: nothing is measured as {name!r}; {hint}")


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, allow_inf_nan=False
    )


class ResourceLimits(_Model):
    """Limits of CPU and memory, as Kubernetes writes quantities; empty: none."""

    cpu: Quantity = ""
    memory: Quantity = ""

    @property
    def cores(self) -> Decimal | None:
        """Cores, or None where the CPU is not limited."""
        return parse_quantity(self.cpu) if self.cpu else None

    @property
    def memory_bytes(self) -> int | None:
        """Bytes, or None where the memory is not limited."""
        return int(parse_quantity(self.memory)) if self.memory else None

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.cores is not None and self.cores < LEAST_CORES:
            raise ValueError(f"cpu {self.cpu} is less than {LEAST_CORES} cores")
        if self.memory_bytes is not None and self.memory_bytes < LEAST_MEMORY:
            raise ValueError(f"memory {self.memory} is less than 1Mi")
        return self


class PerfScenario(_Model):
    """One performance test.

    `start_time` and `run_time` are minutes, as in Kubeflow's proposal; `run_time` is the deadline of the whole session.
    `num_times` runs are started, at most `concurrency` at a time; None: until `run_time` ends. `resource_limits` holds
    for each run on one machine, and for each container on a cluster.
    """

    mode: str = Field(description="One of the modes below.")
    name: str = Field("", description="A name for people; empty: that of the pipeline's file.")
    kind: Literal["", "smoke", "load", "stress", "soak"] = Field(
        "", description="smoke, load, stress or soak: what they fill in is told below."
    )
    target: Literal["local", "argo", "kfp"] = Field(
        "local", description="Where it runs: this machine, Argo Workflows or Kubeflow Pipelines."
    )
    environment: Literal["local", "staging", "production"] = Field(
        "local", description="production allows what only reads: RANDOM_GETS at one request a second, and observe."
    )
    pipeline_file_name: str = Field("", description="The pipeline, relative to the scenario's file.")
    parameters: dict[str, str] = Field({}, description="Values of the pipeline's parameters.")
    start_time: Number = Field(0, ge=0, description="Minutes to wait before the first run.")
    run_time: Number = Field(10, gt=0, description="Minutes after which unfinished runs are ended and counted.")
    num_times: Integer | None = Field(None, ge=1, description="Iterations; absent: until runTime.")
    concurrency: Integer = Field(1, ge=1, description="Runs at a time.")
    warm_up: Integer = Field(1, ge=0, le=20, description="Runs before the first counted one; they fill caches.")
    resource_limits: ResourceLimits = Field(
        ResourceLimits(),
        description="cpu and memory as Kubernetes writes them: of a run on one machine, of a container on a cluster.",
    )
    requests_per_second: Number = Field(10, gt=0, description="RANDOM_GETS: the fixed rate of requests.")
    interval_seconds: Number = Field(60, gt=0, description="SCHEDULED_RUNS: seconds between two firings, 1 or more.")
    dataset_mi_b: Integer = Field(
        50, ge=1, le=100_000, alias="datasetMiB", description="LARGE_DATASET: MiB of artifact."
    )
    seed: Integer = Field(0, description="Of every random choice, so that a session can be repeated.")
    limits: dict[str, Number] = Field({}, description="Metric -> share by which it may grow, such as 0.1 for 10 %.")
    thresholds: dict[str, Number] = Field(
        {}, description="Metric -> largest median, or measure -> its limit, in the units of the tables below."
    )
    max_error_rate: Number = Field(
        0.05, ge=0, le=1, description="Share of runs or of requests that may fail, and of firings that may be missed."
    )
    allow_more: bool = Field(
        False, description="Lifts the caps of 1,000 runs, 50 at a time, 100 requests/s and a firing a second."
    )

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, given: Any) -> Any:
        """What the kind fills in. A stored session has the names of Python, a file those of JSON."""
        if isinstance(given, dict) and isinstance(kind := given.get("kind"), str):
            filled = KINDS.get(kind, {}).items()
            return {name: value for name, value in filled if not {name, to_snake(name)} & given.keys()} | given
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.num_times is not None and self.concurrency > self.num_times:
            raise ValueError(f"concurrency {self.concurrency} is more than numTimes {self.num_times}")
        if self.mode in MODES and self.mode != "RANDOM_GETS" and not self.pipeline_file_name:
            raise ValueError(f"mode {self.mode} needs pipelineFileName")
        if self.environment == "production" and (self.mode != "RANDOM_GETS" or self.requests_per_second > 1):
            raise ValueError("environment production allows mode RANDOM_GETS with requestsPerSecond up to 1 alone")
        for metric, share in self.limits.items():
            _check_name("limits", metric, METRICS)
            if share <= 0:
                raise ValueError(f"limits: {metric} is not above 0")
        self._check_thresholds()
        if not self.allow_more:
            self._check_caps()
        return self

    def _check_thresholds(self) -> None:
        """What a mode of another package measures is not known before it has run."""
        for name, limit in self.thresholds.items():
            if self.mode in MODES:
                _check_name("thresholds", name, [*measures_of(self.mode, self.kind), *METRICS])
            if limit < 0 or (name in METRICS and limit == 0):
                raise ValueError(f"thresholds: {name} is not above 0")

    def _check_caps(self) -> None:
        most = {"numTimes": MOST_RUNS, "concurrency": MOST_AT_ONCE, "requestsPerSecond": MOST_REQUESTS}
        given = {"numTimes": self.num_times, "concurrency": self.concurrency}
        for name, value in (given | {"requestsPerSecond": self.requests_per_second}).items():
            if value is not None and value > most[name]:
                raise ValueError(f"{name} {value:g} is more than {most[name]:g}; allowMore: true lifts the caps")
        if self.interval_seconds < LEAST_INTERVAL:
            raise ValueError(
                f"intervalSeconds {self.interval_seconds:g} is less than {LEAST_INTERVAL:g}; allowMore: true lifts it"
            )

    @property
    def most_runs(self) -> int | None:
        """The runs that are started at most, warm-up aside; None: as many as there is time for."""
        return MOST_RUNS if self.num_times is None and not self.allow_more else self.num_times
