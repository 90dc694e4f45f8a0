"""What an environment looks like from outside: pods, their states and their usage, in Kubernetes' words."""

from typing import Literal

from pydantic import BaseModel

from slipway_steps.domain.environment import Environment


class ContainerState(BaseModel):
    """One state of a container. `reason` is Kubernetes' word: OOMKilled, CrashLoopBackOff, ImagePullBackOff, Error,
    Completed, ... or "". Times are Unix seconds.
    """

    kind: Literal["waiting", "running", "terminated"]
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: float | None = None
    finished_at: float | None = None


class Pod(BaseModel):
    """A pod with one container. `last_state` is how the container ended before its last restart."""

    name: str
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    ready: bool
    restarts: int
    digest: str
    state: ContainerState
    last_state: ContainerState | None = None
    started_at: float | None = None


class Sample(BaseModel):
    """Usage at one moment. `at`: Unix seconds; `memory_bytes`: working set; `cpu_millicores`: mean since the sample
    before; `throttled_percent`: share of that time in which the process wanted to run and was held back, None where
    that is not measured (a cluster's metrics do not have it).
    """

    at: float
    memory_bytes: int
    cpu_millicores: float
    throttled_percent: float | None


class Observation(BaseModel):
    """An environment as it stands. An empty environment has no pods; `samples` are oldest first.

    `metrics_available` is false where nothing measures usage: a gate is then `inconclusive`.
    """

    environment: Environment
    pods: list[Pod]
    samples: list[Sample]
    metrics_available: bool
    memory_limit_bytes: int
    cpu_limit_millicores: int
    peak_memory_bytes: int | None = None
