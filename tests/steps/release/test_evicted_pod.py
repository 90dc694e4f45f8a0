"""An evicted pod beside a healthy one throws no model out: doctor, deployment and revert on a cluster, with Argo CD."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kube_rbac import service_account
from kube_server import Cluster
from kube_workloads import deployment, evicted, pod, served
from steps.release.fakes import FakeWorld, Memory

from slipway_steps.adapters.argocd.application import ArgoCD
from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.verdict import Verdict, judge
from slipway_steps.release import drift, rollout
from slipway_steps.release.pod_checks import pod_checks
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
CANDIDATE = Memory.candidate("2")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    found = Cluster(speed=0.01)
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "config", service_account("slipway-revert"))))
    found.application("model-app-staging")
    served(found, evicted(), evicted("older", revision=1), pod(digest=CANDIDATE.digest, ready=True))
    yield found
    found.close()


@pytest.fixture
def world(cluster: Cluster) -> FakeWorld:
    """Version 2 passed in staging, and serves there."""
    memory = Memory()
    settings = Settings(platform="kubernetes", registry="r.example", healthy_timeout=2.0)
    api = Api(settings)
    platform = KubernetesPlatform(settings, api, ArgoCD(api, settings, poll=0.01))
    memory.running[STAGING] = CANDIDATE
    memory.records[STAGING] = memory.record(STAGING).with_current(CANDIDATE).confirmed(CANDIDATE)
    memory.aliases["staging"], memory.tags["staging-1.0.2"] = "2", CANDIDATE.digest
    return FakeWorld(settings, memory, memory, platform, apps=InCluster(memory))


class InCluster:
    """The apps at their Service names."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def at(self, url: str, timeout: float = 0.0) -> object:
        return self.memory.at(url.removeprefix("http://"))


def test_doctor_finds_the_environment_serving(world: FakeWorld) -> None:
    world.platform.deploy(STAGING, CANDIDATE)
    assert drift.find(world, STAGING) == []


def test_the_resource_test_finds_its_pods_running(world: FakeWorld) -> None:
    assert judge(pod_checks(world.platform.observe(STAGING))) is Verdict.PASS


def test_it_is_deployed_without_waiting(world: FakeWorld) -> None:
    started = time.monotonic()
    assert rollout.deploy_and_wait(world, STAGING, CANDIDATE)
    assert time.monotonic() - started < 2, "the deadline of a deployment that does not come up"


def test_a_rollout_that_was_given_up_is_not_waited_for(cluster: Cluster, world: FakeWorld) -> None:
    progress = {"type": "Progressing", "status": "False", "message": "exceeded its progress deadline"}
    served(cluster, pod(ready=False), of=deployment(updatedReplicas=0, conditions=[progress]))
    patient = FakeWorld(world.settings.model_copy(update={"healthy_timeout": 60.0}), *_members(world))
    started = time.monotonic()
    assert not rollout.deploy_and_wait(patient, STAGING, CANDIDATE)
    assert time.monotonic() - started < 20


def _members(world: FakeWorld) -> tuple[object, ...]:
    return world.registry, world.images, world.platform, world.apps
