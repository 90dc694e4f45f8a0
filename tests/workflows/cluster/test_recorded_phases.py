"""Every command on workflows as the real controller recorded them: in each phase, ended and in the middle of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi

from slipway_workflows.cli import main

RECORDED = sorted((Path(__file__).parents[2] / "conformance" / "expected").glob("*.json"))


def kinds(found: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((node["type"], node["phase"]) for node in (found["nodes"] or {}).values())


def chosen() -> Iterator[tuple[str, dict[str, Any]]]:
    """Recordings that together have every type of node in every phase that any of them has."""
    seen: set[object] = set()
    for path in RECORDED:
        found = json.loads(path.read_text())
        new = {*kinds(found), found.get("phase")} - seen
        if new:
            seen |= new
            yield path.stem, found


def stored(name: str, found: dict[str, Any], ended: bool) -> dict[str, Any]:
    """The Workflow as Argo stores it; `ended` False: before any end was written. A node that runs or waits has no
    finishedAt, and what comes after it is not there yet.
    """
    nodes = {}
    for key, node in (found["nodes"] or {}).items():
        own = key.replace("WF", name, 1)
        entry = {
            "id": own,
            "name": own,
            "displayName": own.rpartition(".")[2],
            "type": node["type"],
            "phase": node["phase"],
            "templateName": node.get("templateName"),
            "boundaryID": (node.get("boundary") or "").replace("WF", name, 1),
            "children": [child.replace("WF", name, 1) for child in node["children"]],
            "startedAt": "2026-11-21T12:00:00Z",
            "finishedAt": "2026-11-21T12:00:05Z",
        }
        nodes[own] = entry
    phase = found.get("phase", "Running")
    if not ended:
        phase = "Running"
        for entry in list(nodes.values())[: 1 + len(nodes) // 2]:
            entry["phase"] = "Running" if entry["type"] != "Pod" else "Pending"
            del entry["finishedAt"]
        nodes = dict(list(nodes.items())[: 1 + len(nodes) // 2])
    status = {"phase": phase, "message": found.get("message"), "startedAt": "2026-11-21T12:00:00Z", "nodes": nodes}
    if ended:
        status["finishedAt"] = "2026-11-21T12:00:09Z"
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": "slipway"},
        "spec": {},
        "status": status,
    }


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    server = KubeApi()
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
    yield server
    server.close()


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "running"])
def test_every_command_takes_every_recorded_phase(
    api: KubeApi, ended: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = []
    for name, found in chosen():
        api.add(stored(name, found, ended))
        names.append(name)
    assert len(names) > 5
    assert main(["list", "--cluster"]) == 0
    for name in names:
        assert main(["get", name, "--cluster"]) == 0
        assert f"Name:       {name}" in capsys.readouterr().out
        assert main(["get", name, "-o", "json", "--cluster"]) == 0
        assert json.loads(capsys.readouterr().out)["metadata"]["name"] == name
        assert main(["graph", name, "-o", str(tmp_path / "a.svg"), "--cluster"]) == 0
        assert main(["logs", name, "--cluster"]) in (0, 1)
        for verb in ("approve", "reject", "resume", "stop"):
            assert main([verb, name, "--cluster"]) in (0, 1)
        if ended and name in names[:2]:
            assert main(["watch", name, "--cluster"]) in (0, 1)
        assert "Traceback" not in capsys.readouterr().err
