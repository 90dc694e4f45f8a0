"""What the gates on staging share, on real processes of this machine: whom they ask, and that a platform that loses
what is judged is no rejection.
"""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from model_packages import make_package
from steps.adapters.local.test_platform import Files, running, supervisor, until
from steps.release.fakes import FakeWorld

from slipway_steps.adapters.http.app_client import HttpApps
from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.domain.answer import RequestResult
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.journal import Record
from slipway_steps.domain.pods import ContainerState, Observation, Pod, Rollout
from slipway_steps.domain.verdict import Check, GateReport, Verdict
from slipway_steps.release import load, resources
from slipway_steps.release.gate_run import StagingParams, under_test
from slipway_steps.release.pod_continuity import excuse_lost_pods, wait_until_settled
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
CANDIDATE = Candidate(version="1", digest="sha256:healthy")
REJECTED = Check(code="unreachable", verdict=Verdict.REJECT, message="no answer")


class Registry:
    """As much of MLflow as a gate reads and writes."""

    def __init__(self) -> None:
        self.saved: list[GateReport] = []

    def record(self, environment: Environment) -> Record:
        return Record(current=CANDIDATE)

    def run_of(self, version: str) -> str:
        return "run"

    def download_package(self, run_id: str, target: Path) -> Path:
        return make_package(target / "package")

    def save_report(self, run_id: str | None, report: GateReport) -> None:
        self.saved.append(report)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeWorld]:
    """Staging serves the app `digits`, whose Service is named after it."""
    settings = Settings(home=tmp_path / "home", app="digits")
    platform = LocalPlatform(settings, Files())
    platform.deploy(STAGING, CANDIDATE)
    until(lambda: running(platform))
    yield FakeWorld(settings, Registry(), Files(), platform, apps=HttpApps())
    platform.down(STAGING)


def test_the_app_of_the_settings_is_asked(world: FakeWorld) -> None:
    with under_test(StagingParams(release="r"), world) as found:
        # the port has no status; the platform of these tests is a LocalPlatform
        assert found.app.url == world.platform.status(STAGING).url  # type: ignore[attr-defined]
    elsewhere = replace(world, settings=world.settings.model_copy(update={"app_host": "{environment}.example.org:80"}))
    with under_test(StagingParams(release="r"), elsewhere) as found:
        assert found.app.url == "http://staging.example.org:80"


def test_a_supervisor_killed_during_a_gate_is_inconclusive(world: FakeWorld) -> None:
    platform: LocalPlatform = world.platform  # type: ignore[assignment]
    threading.Timer(2, lambda: os.kill(supervisor(platform), signal.SIGKILL)).start()
    assert resources.run(resources.Params(release="r"), world).verdict is Verdict.INCONCLUSIVE
    (report,) = world.registry.saved  # type: ignore[attr-defined]
    assert report.checks[0].code == "pod-lost"
    until(lambda: running(platform))


class NoRequests:
    """A load generator that sends nothing."""

    def send(self, url: str, image: bytes, requests: int, users: int, deadline: float) -> list[RequestResult]:
        return []


def test_the_load_gate_judges_the_measured_peak(world: FakeWorld) -> None:
    until(lambda: bool(world.platform.observe(STAGING).peak_memory_bytes))
    load.run(load.Params(release="r"), replace(world, load_generator=NoRequests()))
    (report,) = world.registry.saved
    assert "peak-memory" in [check.code for check in report.checks]


def observed(*pods: Pod) -> Observation:
    return Observation(
        environment=STAGING,
        pods=list(pods),
        samples=[],
        metrics_available=True,
        memory_limit_bytes=1,
        cpu_limit_millicores=1,
    )


def pod(name: str, **more: object) -> Pod:
    fields = {"phase": "Running", "ready": True, "restarts": 0, "digest": "d"} | more
    return Pod(name=name, state=ContainerState(kind="running"), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ({"a"}, [pod("a")], Verdict.REJECT),
        ({"a"}, [pod("a", restarts=1)], Verdict.REJECT),
        ({"a", "terminating"}, [pod("a")], Verdict.REJECT),
        ({"a"}, [pod("a"), pod("scaled-up")], Verdict.REJECT),
        ({"a"}, [], Verdict.INCONCLUSIVE),
        ({"a"}, [pod("b")], Verdict.INCONCLUSIVE),
        ({"a"}, [pod("a", phase="Unknown")], Verdict.INCONCLUSIVE),
    ],
)
def test_only_lost_pods_excuse_a_rejection(before: set[str], after: list[Pod], verdict: Verdict) -> None:
    checks = excuse_lost_pods([REJECTED], frozenset(before), observed(*after))
    assert {check.verdict for check in checks} == {verdict}
    assert [check.code for check in checks][-1] == "unreachable"


UNSCHEDULABLE = ContainerState(kind="waiting", reason="Unschedulable")
CRASHING = ContainerState(kind="waiting", reason="CrashLoopBackOff")
OLD_LEFT = Rollout(complete=False, message="1 old pod is left")


@pytest.mark.parametrize(
    ("state", "rollout", "verdict"),
    [
        (UNSCHEDULABLE, OLD_LEFT, Verdict.INCONCLUSIVE),
        (ContainerState(kind="running"), OLD_LEFT, Verdict.INCONCLUSIVE),
        (CRASHING, OLD_LEFT, Verdict.REJECT),
        (ContainerState(kind="running"), Rollout(complete=True), Verdict.REJECT),
    ],
)
def test_the_pod_of_the_version_before_rejects_nothing(
    state: ContainerState, rollout: Rollout, verdict: Verdict
) -> None:
    """It goes on answering where the platform does not bring up the candidate's: `/version` is then another."""
    found = pod("a").model_copy(update={"state": state, "ready": state.kind == "running"})
    after = observed(found).model_copy(update={"rollout": rollout})
    checks = excuse_lost_pods([REJECTED], frozenset({"a"}), after)
    assert {check.verdict for check in checks} == {verdict}


def test_the_pods_of_the_version_before_are_waited_for() -> None:
    seen = [observed(pod("a")).model_copy(update={"rollout": OLD_LEFT}), observed(pod("a"))]

    class Platform:
        def observe(self, environment: Environment) -> Observation:
            return seen.pop(0)

    assert wait_until_settled(FakeWorld(Settings(), None, None, Platform()), STAGING).rollout.complete


def test_a_pod_on_its_way_up_is_waited_for_and_a_failed_one_is_not() -> None:
    class Platform:
        def __init__(self, *seen: Pod) -> None:
            self.seen = list(seen)

        def observe(self, environment: Environment) -> Observation:
            return observed(self.seen.pop(0))

    rising = pod("a", ready=False)
    world = FakeWorld(Settings(), None, None, Platform(rising, rising, pod("a")))
    assert wait_until_settled(world, STAGING).pods[0].ready
    failed = pod("a", ready=False, restarts=1)
    world = FakeWorld(Settings(), None, None, Platform(failed))
    assert not wait_until_settled(world, STAGING).pods[0].ready
