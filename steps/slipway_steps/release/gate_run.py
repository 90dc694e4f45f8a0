"""What the three gates on staging share: the candidate that they judge, its address, its sample images, and how they
report.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.package import read_package
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict, judge
from slipway_steps.ports import App, World
from slipway_steps.release.pod_continuity import excuse_lost_pods, pod_names, wait_until_settled
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters

REQUEST_TIMEOUT = 20.0
"""Seconds for one answer. With half a core, the slowest model that still passes needs half a second."""


class StagingParams(StepParameters):
    """The parameters of every gate on staging."""

    model_version: str = Field(
        "",
        description="MLflow's version of the model; empty: what the source environment serves.",
        pattern=OPTIONAL_VERSION,
    )
    source_environment: Environment = Field(Environment.STAGING, description="The environment that the gate judges.")
    release: str = Field(description="Name of the workflow.")


class GateOutputs(BaseModel):
    """The outputs of every gate on staging."""

    verdict: Verdict


@dataclass
class UnderTest:
    """What a gate works with: the candidate, the app that serves it, held-out images to send as (label, PNG bytes), all
    labels, and the names of the pods that ran when the gate began.
    """

    candidate: Candidate
    app: App
    samples: list[tuple[str, bytes]]
    labels: list[str]
    pods: frozenset[str] = frozenset()


def candidate_of(params: StagingParams, world: World) -> Candidate:
    """The candidate to judge. Raises Refused where the environment is empty or no image was built."""
    if params.model_version:
        return world.registry.candidate(params.model_version)
    current = world.registry.record(params.source_environment).current
    if current is None:
        raise Refused(
            f"{params.source_environment} serves nothing to judge", "release a model: slipway run release-model"
        )
    return current


@contextmanager
def under_test(params: StagingParams, world: World) -> Iterator[UnderTest]:
    """Yields what the gate works with, once the pods of the environment are no longer starting."""
    candidate = candidate_of(params, world)
    with tempfile.TemporaryDirectory() as directory:
        run_id = world.registry.run_of(candidate.version)
        package = read_package(world.registry.download_package(run_id, Path(directory)))
        samples = [(path.stem.rsplit("-", 1)[0], path.read_bytes()) for path in package.samples]
        labels = package.contract.labels
    own = world.settings.app_host.replace("{environment}", params.source_environment)
    host = own or service_host(world.settings.app, params.source_environment)
    app = world.apps.at(world.platform.url(host), REQUEST_TIMEOUT)
    pods = wait_until_settled(world, params.source_environment)
    yield UnderTest(candidate, app, samples, labels, pod_names(pods))


def conclude(
    gate: Gate,
    params: StagingParams,
    world: World,
    found: UnderTest,
    checks: list[Check],
    started: float,
    series: dict[str, Any] | None = None,
) -> GateOutputs:
    """Print the checks, store the report and return the verdict. The verdict is `inconclusive` where the platform lost
    the pods that were judged.
    """
    checks = excuse_lost_pods(checks, found.pods, world.platform.observe(params.source_environment))
    return keep(gate, params.release, found.candidate, checks, started, series or {}, world)


def keep(
    gate: Gate,
    release: str,
    candidate: Candidate,
    checks: list[Check],
    started: float,
    series: dict[str, Any],
    world: World,
) -> GateOutputs:
    """Print the checks, store the report of a gate on a version, and return the verdict that follows from them."""
    report = GateReport(
        gate=gate,
        candidate=candidate,
        release=release,
        verdict=judge(checks),
        checks=checks,
        started_at=started,
        finished_at=time.time(),
        series=series,
    )
    for check in checks:
        print(f"{check.verdict}: {check.message}", flush=True)
    world.registry.save_report(None, report)
    print(f"{gate}: {report.verdict} for {candidate}", flush=True)
    return GateOutputs(verdict=report.verdict)


def verdict(well: bool) -> Verdict:
    """`pass` if `well`, else `reject`."""
    return Verdict.PASS if well else Verdict.REJECT
