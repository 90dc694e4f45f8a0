"""`slipway logs --cluster`: the step's own lines; what a pod waits for, also in `get` and `watch`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi

from slipway_workflows.cli import main
from slipway_workflows.cluster.pod_log import own_lines, why_not_started

NO_NODE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: cpu"}
LOG = """\
time=2026-11-21T12:00:00.000Z level=INFO msg="capturing logs" argo=true
epoch 1, argo=true or not
time=2026-11-21T12:00:00Z level=info msg="sub-process exited" argo=true error="<nil>"
{"time":"2026-11-21T12:00:00Z","level":"INFO","msg":"sub-process exited","argo":true}
"""


def test_argos_own_lines_are_not_the_steps() -> None:
    assert own_lines(LOG) == "epoch 1, argo=true or not\n"
    assert own_lines("no end of line") == "no end of line"


def main_is(**state: Any) -> dict[str, Any]:
    return {"phase": "Pending", "containerStatuses": [{"name": "wait"}, {"name": "main", "state": state}]}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"phase": "Pending", "conditions": [NO_NODE]}, "Unschedulable: 0/1 nodes: cpu"),
        (main_is(waiting={"reason": "PodInitializing"}), "PodInitializing"),
        (main_is(waiting={"reason": "ImagePullBackOff", "message": "not found"}), "ImagePullBackOff: not found"),
        ({"phase": "Pending"}, "Pending"),
        (main_is(running={"startedAt": "x"}), ""),
        (main_is(terminated={"exitCode": 1}), ""),
        ({}, ""),
    ],
)
def test_what_a_container_waits_for(status: dict[str, Any], why: str) -> None:
    assert why_not_started({"status": status}) == why


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    server = KubeApi()
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
    message = "Unschedulable: 0/1 nodes: cpu"
    nodes = {
        "ran": {"id": "ran", "name": "wf.ran", "displayName": "ran", "type": "Pod", "phase": "Running"},
        "train": {"id": "train", "name": "wf.train", "displayName": "train", "type": "Pod", "phase": "Pending"},
    }
    nodes["train"]["message"] = message
    server.add(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": "wf", "namespace": "slipway"},
            "spec": {},
            "status": {"phase": "Running", "nodes": nodes},
        }
    )
    for node, status in (("ran", main_is(running={})), ("train", {"phase": "Pending", "conditions": [NO_NODE]})):
        metadata: dict[str, Any] = {"name": f"pod-{node}", "namespace": "slipway"}
        metadata["annotations"] = {"workflows.argoproj.io/node-id": node}
        metadata["labels"] = {"workflows.argoproj.io/workflow": "wf"}
        server.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})
    server.logs["pod-ran"] = LOG
    yield server
    server.close()


def test_a_pod_without_a_node_does_not_end_the_logs(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "wf", "--cluster"]) == 0
    written = capsys.readouterr()
    assert written.out == "ran: epoch 1, argo=true or not\n"
    assert written.err == "warning: train has not started yet: Unschedulable: 0/1 nodes: cpu\n"


def test_get_says_why_a_pod_is_pending(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "wf", "--cluster"]) == 0
    assert "Unschedulable: 0/1 nodes: cpu" in capsys.readouterr().out


def test_watch_says_why_a_pod_is_pending(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.objects["argoproj.io/v1alpha1", "workflows", "slipway", "wf"]["status"]["phase"] = "Failed"
    assert main(["watch", "wf", "--cluster"]) == 1
    assert "Pending    train  - Unschedulable: 0/1 nodes: cpu" in capsys.readouterr().err
