"""What an environment on a cluster looks like: its Deployment and its pods in all their states."""

import re
from typing import Any

import pytest
from kube_server import Cluster
from kube_workloads import DIGEST, NAME, deployment, evicted, pod, served

from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.pods import Rollout
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
EVENTS = "/api/v1/namespaces/model-app-staging/events"
GIVEN_UP = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
NO_QUOTA = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}


def platform() -> KubernetesPlatform:
    settings = Settings(platform="kubernetes")
    return KubernetesPlatform(settings, Api(settings, RetryPolicy(first_wait=0.0, longest_asked=0.0)))


def test_a_running_pod(cluster: Cluster) -> None:
    served(cluster, pod(ready=True, state={"running": {"startedAt": "2026-11-21T03:00:01Z"}}))
    seen = platform().observe(STAGING)
    assert (seen.pods[0].ready, seen.pods[0].digest, seen.pods[0].state.kind) == (True, DIGEST, "running")
    assert (seen.memory_limit_bytes, seen.cpu_limit_millicores) == (256 * 2**20, 500)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, "ImagePullBackOff"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3}, "CrashLoopBackOff"),
        ({"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}, "OOMKilled"),
    ],
)
def test_every_failure_has_its_name(cluster: Cluster, state: dict[str, Any], reason: str) -> None:
    served(cluster, pod(**state))
    event = {"reason": "Failed", "message": "why", "involvedObject": {"name": "p-1"}}
    other = {"reason": "Failed", "message": "another's", "involvedObject": {"name": "p-2"}, "type": "Warning"}
    started = {**event, "reason": "Started", "type": "Normal"}
    cluster.lists[EVENTS] = [{"metadata": {}, **one} for one in ({**event, "type": "Warning"}, started, other)]
    (found,) = platform().observe(STAGING).pods
    assert (found.state.reason, found.ready) == (reason, False)
    if found.state.kind == "waiting":
        assert found.state.message == "Failed: why"


def test_what_killed_a_restarted_pod_is_remembered(cluster: Cluster) -> None:
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    served(cluster, pod(ready=True, lastState=last, restartCount=1))
    (found,) = platform().observe(STAGING).pods
    assert found.last_state is not None
    assert (found.last_state.reason, found.restarts) == ("OOMKilled", 1)


def test_pods_of_another_deployment_do_not_count(cluster: Cluster) -> None:
    other = pod("other")
    other["metadata"]["labels"] = {"app.kubernetes.io/instance": "another"}
    served(cluster, pod(ready=True), other)
    assert [found.name for found in platform().observe(STAGING).pods] == ["p-1"]


def test_a_pod_without_a_node_is_pending(cluster: Cluster) -> None:
    waiting = pod()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
    waiting["status"] = {"phase": "Pending", "conditions": [condition]}
    served(cluster, waiting)
    (found,) = platform().observe(STAGING).pods
    assert (found.phase, found.state.kind, found.state.reason) == ("Pending", "waiting", "Unschedulable")


def test_a_pod_that_is_going_does_not_count(cluster: Cluster) -> None:
    going = pod("old", ready=True)
    going["metadata"]["deletionTimestamp"] = "2026-11-21T03:00:00Z"
    served(cluster, going, pod(ready=True))
    assert [found.name for found in platform().observe(STAGING).pods] == ["p-1"]


def test_an_evicted_pod_beside_a_healthy_one_does_not_count(cluster: Cluster) -> None:
    served(cluster, evicted(), pod(ready=True))
    seen = platform().observe(STAGING)
    assert [found.name for found in seen.pods] == ["p-1"]
    assert seen.rollout == Rollout(complete=True)


def test_pods_of_the_version_before_do_not_count_and_are_told(cluster: Cluster) -> None:
    under_way = deployment(replicas=2, unavailableReplicas=1)
    served(cluster, pod("old", revision=1, ready=True), pod("new"), of=under_way)
    seen = platform().observe(STAGING)
    assert [found.name for found in seen.pods] == ["new"]
    assert seen.rollout == Rollout(complete=False, message=f"Deployment {NAME} has 1 of 1 new pods, and 1 old ones")


@pytest.mark.parametrize(
    ("found", "given_up", "message"),
    [
        (None, False, "there is no Deployment"),
        (deployment(observedGeneration=2), False, "has not looked at the changed Deployment"),
        (deployment(updatedReplicas=0, conditions=[GIVEN_UP]), True, "makes no progress: timed out"),
        (deployment(observedGeneration=2, conditions=[GIVEN_UP]), False, "has not looked"),
        (deployment(updatedReplicas=0, replicas=0, conditions=[NO_QUOTA]), False, "no pod can be made .* quota"),
    ],
    ids=["missing", "stale", "given up", "given up on the one before", "no quota"],
)
def test_how_far_a_rollout_is(cluster: Cluster, found: dict[str, Any] | None, given_up: bool, message: str) -> None:
    served(cluster, of=found or deployment())
    if found is None:
        cluster.objects.pop(f"/apis/apps/v1/namespaces/{NAME}/deployments/{NAME}")
    rollout = platform().observe(STAGING).rollout
    assert (rollout.complete, rollout.given_up) == (False, given_up)
    assert re.search(message, rollout.message)


def test_the_state_of_a_pod_on_a_lost_node_is_unknown(cluster: Cluster) -> None:
    lost = pod(ready=True)
    lost["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    served(cluster, lost)
    (found,) = platform().observe(STAGING).pods
    assert (found.phase, found.ready) == ("Unknown", False)
