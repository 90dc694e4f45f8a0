"""What a session on Argo does beside its runs: it bounds its schedules, names what it cannot see, knows its nodes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simulated_cluster.argo_only import ArgoOnly, node
from steps.adapters.targets.pipelines import SESSION, scenario, two_steps, written

from slipway_steps.adapters.targets import argo as argo_module
from slipway_steps.adapters.targets.argo import ArgoTarget
from slipway_steps.adapters.targets.argo_manifest import SESSION_LABEL
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.driver import run_session

NAMESPACE = "slipway-perf"
Make = Callable[..., ArgoTarget]


def until(told: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not told():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def target(argo_target: Make) -> Any:
    made = argo_target()
    yield made
    made.remove(SESSION)


def test_a_schedule_is_stopped_when_as_many_runs_run_as_may(
    target: ArgoTarget, argo: ArgoOnly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argo_module, "MOST_AT_ONCE", 3)
    target.prepare(SESSION, scenario(parameters={"seconds": "60"}), two_steps(tmp_path))
    schedule = target.schedule(1, {})
    until(lambda: (target.firings(schedule), target.notes)[1])
    assert "the schedule was stopped after 3 firings, as 3 of its runs" in target.notes[0]
    assert "allowMore" in target.notes[0]
    time.sleep(2.5)
    found = target.firings(schedule)
    assert argo.objects.all_of("CronWorkflow") == []
    assert len(argo.objects.all_of("Workflow")) == 3, "those that run go on"
    assert len([one for one in found if one.started]) == 3
    assert len(target.notes) == 1


def test_allow_more_lifts_the_cap(
    target: ArgoTarget, argo: ArgoOnly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argo_module, "MOST_AT_ONCE", 2)
    target.prepare(SESSION, scenario(parameters={"seconds": "60"}, allowMore=True), two_steps(tmp_path))
    schedule = target.schedule(1, {})
    until(lambda: len(target.firings(schedule)) >= 4)
    assert target.notes == []


DAMAGED = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": f"{SESSION}-damaged",
        "namespace": NAMESPACE,
        "labels": {SESSION_LABEL: SESSION},
        "creationTimestamp": "soon",
    },
    "spec": {"containers": []},
    "status": {},
}
"""A pod whose time no API server writes: what nobody foresaw."""


def test_a_run_that_waits_learns_that_its_watch_has_ended(target: ArgoTarget, argo: ArgoOnly, tmp_path: Path) -> None:
    target.prepare(SESSION, scenario(), two_steps(tmp_path))
    run = target.submit({"seconds": "60"})
    argo.objects.add(DAMAGED)
    with pytest.raises(PlatformError, match="watching pods in slipway-perf failed: ValueError"):
        target.wait(run, time.time() + 20)


def test_runs_whose_watch_has_ended_are_broken_and_named(argo_target: Make, argo: ArgoOnly, tmp_path: Path) -> None:
    class Damaging(ArgoTarget):
        def submit(self, parameters: Any) -> str:
            labels = {SESSION_LABEL: self.session}
            argo.objects.add({**DAMAGED, "metadata": {**DAMAGED["metadata"], "labels": labels}})
            return super().submit(parameters)

    told = {"numTimes": 2, "warmUp": 0, "runTime": 1, "parameters": {"seconds": "20"}}
    target, began = Damaging(argo_target().settings), time.monotonic()
    found = run_session(scenario(**told), target, directory=tmp_path / "p", pipeline=two_steps(tmp_path), revision="r")
    assert time.monotonic() - began < 15
    assert [one.outcome for one in found.runs] == [RunOutcome.BROKEN] * 2
    assert "watching pods in slipway-perf failed" in found.runs[0].message
    assert found.verdict is Verdict.ERROR


def test_usage_that_cannot_be_read_is_named(target: ArgoTarget, argo: ArgoOnly, tmp_path: Path) -> None:
    argo.told = {"cpu": "much"}
    target.prepare(SESSION, scenario(), two_steps(tmp_path))
    target.submit({"seconds": "60"})
    until(lambda: "the usage of pods cannot be read" in target.unmeasured.get("cpu", ""))


def run_once(target: ArgoTarget, tmp_path: Path) -> None:
    target.prepare(SESSION, scenario(), two_steps(tmp_path))
    run = target.submit({})
    assert target.wait(run, time.time() + 30)
    target.read(run)


def read_nodes(argo: ArgoOnly) -> None:
    """As perf.readNodes of the chart."""
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
    name = {"metadata": {"name": "read-nodes"}, "apiVersion": "rbac.authorization.k8s.io/v1"}
    subject = {"kind": "ServiceAccount", "name": "slipway-perf", "namespace": "slipway"}
    argo.objects.add({**name, "kind": "ClusterRole", "rules": [rule]})
    bound = {"kind": "ClusterRoleBinding", "roleRef": {"name": "read-nodes"}, "subjects": [subject]}
    argo.objects.add({**name, **bound})


def test_the_fingerprint_is_that_of_the_nodes(target: ArgoTarget, argo: ArgoOnly, tmp_path: Path) -> None:
    read_nodes(argo)
    argo.objects.add(node("node-2", "p5.48xlarge"))
    assert target.fingerprint().cpu == "nodes of unknown kind", "nothing ran yet"
    run_once(target, tmp_path)
    found = target.fingerprint()
    assert (found.cpu, found.cores, found.memory_bytes) == ("amd64 m5.large", 2, 8 * 2**30)
    assert found.kernel == "6.8.0-31-generic Ubuntu 24.04 LTS"
    assert found.python == ""
    assert found.target_version.endswith("Kubernetes v1.35.0, kubelet v1.35.0, runtime containerd://2.1.0")
    assert target.notes == []


def test_nodes_that_may_not_be_read_are_named_and_no_machine_stands_for_them(
    target: ArgoTarget, argo: ArgoOnly, tmp_path: Path
) -> None:
    run_once(target, tmp_path)
    found = target.fingerprint()
    assert (found.cpu, found.cores, found.memory_bytes, found.kernel) == ("nodes of unknown kind", 0, 0, "")
    (note,) = target.notes
    assert note.startswith("the kind of node-1, where runs were, is not known")
    assert 'nodes "node-1" is forbidden' in note


def test_a_session_keeps_fingerprint_and_notes(argo_target: Make, tmp_path: Path) -> None:
    told = {"numTimes": 1, "warmUp": 0, "parameters": {"seconds": "0"}}
    target = argo_target()
    found = run_session(scenario(**told), target, directory=tmp_path / "p", pipeline=two_steps(tmp_path), revision="r")
    assert found.fingerprint == target.fingerprint()
    assert found.fingerprint.cpu == "nodes of unknown kind"
    assert found.notes == list(target.notes)
    assert found.notes


def test_images_and_account_are_those_of_the_installation(argo_target: Make, argo: ArgoOnly, tmp_path: Path) -> None:
    images = {"steps": "registry.example/slipway/steps@sha256:1"}
    target = argo_target(images=json.dumps(images), perf_service_account="ml-pipeline")
    pipeline = json.loads(two_steps(tmp_path, image="slipway/steps:0.1.0").read_text())
    pipeline["spec"]["serviceAccountName"] = "slipway-pipeline"
    target.prepare(SESSION, scenario(), written(tmp_path / "ours.yaml", pipeline))
    target.submit({"seconds": "60"})
    (workflow,) = argo.objects.all_of("Workflow")
    assert [one["container"]["image"] for one in workflow["spec"]["templates"][1:]] == [images["steps"]]
    assert workflow["spec"]["serviceAccountName"] == "ml-pipeline"
    target.remove(SESSION)
