"""Resource templates on files, and their conditions."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.objects import ClusterObjects
from slipway_steps.domain.errors import WorkflowInvalid
from slipway_steps.settings import Settings
from slipway_workflows import engine
from slipway_workflows.engine.run.resource import holds

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1"}}


def run(
    home: Path, *actions: dict[str, Any], where: str = "files", cluster: ClusterObjects | None = None
) -> dict[str, Any]:
    templates = [{"name": f"t{n}", **action} for n, action in enumerate(actions)]
    groups = [[{"name": template["name"], "template": template["name"]}] for template in templates]
    manifest = {
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "steps": groups}, *templates]},
    }
    found = engine.prepare(
        engine.Library(), manifest, {}, engine.Options(home, resources=where, cluster=cluster)
    ).execute()
    return {node["displayName"]: node for node in found["status"]["nodes"].values()}


def action(verb: str, wanted: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"resource": {"action": verb, "manifest": yaml.safe_dump(wanted or MAP), **more}}


def test_an_object_is_created_changed_read_and_deleted(tmp_path: Path) -> None:
    read = action("get") | {"outputs": {"parameters": [{"name": "a", "valueFrom": {"jsonPath": "{.data.a}"}}]}}
    changed = {**MAP, "data": {"a": "2"}}
    nodes = run(tmp_path, action("create"), action("patch", changed), read, action("delete"), action("get"))
    assert [nodes[f"t{n}"]["phase"] for n in range(5)] == ["Succeeded"] * 4 + ["Failed"]
    assert nodes["t2"]["outputs"]["parameters"][0]["value"] == "2"
    assert "not found" in nodes["t4"]["message"]
    assert nodes["t0"]["type"] == "Pod"


def test_what_exists_is_not_created_again(tmp_path: Path) -> None:
    assert "already exists" in run(tmp_path, action("create"), action("create"))["t1"]["message"]
    assert run(tmp_path, action("apply"), action("apply"))["t1"]["phase"] == "Succeeded"


def test_a_condition_that_nothing_will_fulfil_ends(tmp_path: Path) -> None:
    nodes = run(tmp_path, action("create", successCondition="status.succeeded > 0"))
    assert nodes["t0"]["phase"] == "Failed"
    assert "nothing acts on files" in nodes["t0"]["message"]
    failed = {**MAP, "metadata": {"name": "f"}, "status": {"failed": 1}}
    nodes = run(
        tmp_path, action("create", failed, successCondition="status.ok = 1", failureCondition="status.failed > 0")
    )
    assert "failure condition" in nodes["t0"]["message"]


@pytest.mark.parametrize("where", ["", "yes"])
def test_without_a_word_of_the_user_it_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(WorkflowInvalid, match="SLIPWAY_RESOURCES"):
        run(tmp_path, action("get"), where=where)
    assert not (tmp_path / "runs").exists()


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    cluster = ClusterObjects(Api(Settings(kubeconfig=str(tmp_path / "none"))))
    node = run(tmp_path, action("get"), where="cluster", cluster=cluster)["t0"]
    assert node["phase"] == "Failed"
    assert "KUBECONFIG" in node["message"]


def test_no_name_leads_out_of_the_directory(tmp_path: Path) -> None:
    node = run(tmp_path, action("create", {**MAP, "metadata": {"name": "../../x"}}))["t0"]
    assert "cannot be kept as a file" in node["message"]


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ("status.phase == Running", True),
        ("status.phase=Running,status.ready = true", True),
        ("status.phase != Running", False),
        ("status.count > 2", True),
        ("status.count < 3", False),
        ("status.phase in (Running, Succeeded)", True),
        ("status.phase not in (Running)", False),
        ("status.none > 0", False),
        ("status.none != x", True),
        ("status.conditions.0.type == Ready", True),
        ("status.conditions.1.type == Ready", False),
        ("status.conditions.type == Ready", False),
        ("status.grid.0.1 == 2", True),
    ],
)
def test_conditions(condition: str, true: bool) -> None:
    status = {"phase": "Running", "ready": True, "count": 3, "conditions": [{"type": "Ready"}], "grid": [[1, 2]]}
    assert holds(condition, {"status": status}) is true
