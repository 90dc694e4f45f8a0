"""`slipway retry --cluster`: which nodes and pods it keeps, and which workflows it refuses."""

from pathlib import Path

import pytest
import yaml
from kube_api_server import KubeApi
from workflows.cluster.stored import WAITING, by_name, cluster_workflows, ends, failed, on_cluster

from slipway_workflows.cli import main


def test_a_retry_keeps_what_had_succeeded(api: KubeApi, tmp_path: Path) -> None:
    workflow = failed(tmp_path)
    api.add(workflow)
    nodes = workflow["status"]["nodes"].values()
    for node in nodes:
        if node["type"] == "Pod":
            labels = {"workflows.argoproj.io/workflow": "wf"}
            note = {"workflows.argoproj.io/node-id": node["id"]}
            metadata = {"name": f"p-{node['id']}", "namespace": "slipway", "labels": labels, "annotations": note}
            api.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    cluster_workflows().retry("wf", {"word": "b"})
    changed = on_cluster(api, "wf")
    assert by_name(changed) == {
        "wf": "Running",
        "wf.first": "Succeeded",
        "wf.other": "Succeeded",
        "wf.other[0]": "Succeeded",
        "wf.other[0].soft": "Failed",
    }
    assert changed["status"]["phase"] == "Running"
    assert "finishedAt" not in changed["status"]
    assert changed["spec"]["arguments"]["parameters"] == [{"name": "word", "value": "b"}]
    left = {one["metadata"]["name"] for key, one in api.objects.items() if key[1] == "pods"}
    kept = {node["displayName"]: f"p-{node['id']}" for node in nodes}
    assert left == {kept["first"], kept["soft"]}
    known = set(changed["status"]["nodes"])
    for node in changed["status"]["nodes"].values():
        assert set(node.get("children") or []) <= known
        assert set(node.get("outboundNodes") or []) <= known


@pytest.mark.parametrize(("phase", "said"), [("Running", "is Running"), ("Succeeded", "has succeeded")])
def test_only_what_failed_is_retried(api: KubeApi, phase: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(ends(yaml.safe_load(WAITING), phase))
    assert main(["retry", "wf", "--cluster"]) == 1
    assert said in capsys.readouterr().err
    assert api.writes == []
