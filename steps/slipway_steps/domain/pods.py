"""What an environment looks like from outside: its pods, their states and their resource usage, in the terms of
Kubernetes.
"""

from typing import Literal

from pydantic import BaseModel

from slipway_steps.domain.environment import Environment


class ContainerState(BaseModel):
    """One state of a container. `reason` is Kubernetes' own word (OOMKilled, CrashLoopBackOff, ImagePullBackOff, Error,
    Completed, ...) or "". Times are Unix seconds.
    """

    kind: Literal["waiting", "running", "terminated"]
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: float | None = None
    finished_at: float | None = None


class Pod(BaseModel):
    """A pod with one container. `last_state` is how the container ended before its last restart. `digest` is the image
    that it runs.
    """

    name: str
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    ready: bool
    restarts: int
    digest: str
    state: ContainerState
    last_state: ContainerState | None = None
    started_at: float | None = None


class Sample(BaseModel):
    """The resource usage of a pod at one moment. `at`: Unix seconds. `memory_bytes`: the working set. `cpu_millicores`:
    the mean since the sample before. `throttled_percent`: the share of that time in which the process wanted to run but
    its CPU limit stopped it; None where it is not measured, as in a cluster's metrics.
    """

    at: float
    memory_bytes: int
    cpu_millicores: float
    throttled_percent: float | None


class Rollout(BaseModel):
    """Whether the platform has replaced the pods by those of what it was last told, and why not.

    `complete`: it has, and no other pod is left; whether they are ready is said by each pod. `given_up`: its deadline
    for that has passed.
    """

    complete: bool
    given_up: bool = False
    message: str = ""


class Observation(BaseModel):
    """An environment as it is observed now. An empty environment has no pods. `samples` are in the order of time.

    `cross_check` is what another meter says of the same pods, where there is one: it is slow, and not waited for.
    `pods` are those of what the platform was last told to run, without finished pods and those that are being deleted.
    `metrics_available` is false where nothing measures the usage; a gate that needs it is then `inconclusive`.
    """

    environment: Environment
    pods: list[Pod]
    samples: list[Sample]
    cross_check: Sample | None = None
    metrics_available: bool
    memory_limit_bytes: int
    cpu_limit_millicores: int
    peak_memory_bytes: int | None = None
    rollout: Rollout = Rollout(complete=True)
