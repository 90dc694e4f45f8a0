"""The client of the API server: its kubeconfig, whose a workflow is, and where the nodes are stored."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from kube_api_server import KubeApi
from workflows.cluster.stored import WAITING, cluster_workflows, on_cluster

from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings
from slipway_workflows.cli import main
from slipway_workflows.cluster.client import Client


def test_a_workflow_of_another_is_not_taken_for_ours(api: KubeApi) -> None:
    manifest = {**yaml.safe_load(WAITING), "kind": "Workflow"}
    api.add(copy.deepcopy(manifest))
    manifest["metadata"]["annotations"] = {"slipway.dev/submission": "mine"}
    with pytest.raises(PlatformError, match="submitting workflow wf failed"):
        Client(Settings()).create(manifest)


def test_without_a_cluster_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert main(["list", "--cluster"]) == 1
    assert "no cluster is configured" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["just words\n", "a: [\n", "apiVersion: v1\nclusters: 7\n", "[]\n", ""])
def test_a_kubeconfig_of_garbage_is_one_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert main(["list", "--cluster"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "check KUBECONFIG" in line


def test_many_nodes_are_compressed_as_the_controller_has_them(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(yaml.safe_load(WAITING))
    cluster_workflows(compress_above=10).answer("wf", "approve")
    status = on_cluster(api, "wf")["status"]
    assert "nodes" not in status
    cluster_workflows().stop("wf")
    assert on_cluster(api, "wf")["status"] == status
    assert main(["get", "wf", "-o", "json", "--cluster"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["nodes"]["wf-1"]["phase"] == "Succeeded"


def test_nodes_in_a_database_are_refused(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = yaml.safe_load(WAITING)
    workflow["status"] = {"phase": "Running", "offloadNodeStatusVersion": "fnv:1"}
    api.add(workflow)
    assert main(["approve", "wf", "--cluster"]) == 1
    assert "in Argo's database" in capsys.readouterr().err
    assert main(["list", "--cluster"]) == 0
    assert main(["stop", "wf", "--cluster"]) == 0
