"""Every command on workflows as the real controller recorded them: in each phase, ended and in the middle of it."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi

from slipway_workflows.cli import main
from slipway_workflows.cluster import workflows

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
    monkeypatch.setattr(workflows, "POLL", 0.02)
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
        if not ended:
            assert main(["retry", name, "--cluster"]) == 1
        assert "Traceback" not in capsys.readouterr().err


def code_of(found: dict[str, Any]) -> int:
    """The exit code of a command that follows a workflow which ends like this recording."""
    return 0 if found.get("phase") == "Succeeded" else 1


def test_watch_follows_every_recorded_phase_to_its_end(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    for name, found in chosen():
        api.add(stored(name, found, ended=False))
        controller = threading.Timer(0.1, api.add, [stored(name, found, ended=True)])
        controller.start()
        assert main(["watch", name, "--cluster"]) == code_of(found), name
        controller.join()
        written = capsys.readouterr().err
        assert f"{name}: {found.get('phase')}" in written
        assert "Traceback" not in written


def retried(api: KubeApi, name: str) -> dict[str, Any]:
    """The workflow as the command has left it for the controller; {} if it is not written within five seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        now = api.get("Workflow", name, "slipway")
        if now["status"]["phase"] == "Running":
            return now
        time.sleep(0.01)
    return {}


def test_retry_of_every_recorded_failure(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written has to be a workflow that the controller can continue: each node that it names is there."""
    failures = [(path.stem, found) for path in RECORDED if code_of(found := json.loads(path.read_text()))]
    assert len(failures) > 20
    for name, found in failures:
        api.add(stored(name, found, ended=True))
        left: dict[str, Any] = {}

        def control(name: str = name, found: dict[str, Any] = found, left: dict[str, Any] = left) -> None:
            left.update(retried(api, name))
            api.add(stored(name, found, ended=True))

        controller = threading.Thread(target=control)
        controller.start()
        assert main(["retry", name, "--cluster"]) == 1, "it ends as before"
        controller.join()
        assert left, f"{name} was not written: {capsys.readouterr().err}"
        nodes = left["status"]["nodes"]
        for node in nodes.values():
            assert {*(node.get("children") or []), *filter(None, [node.get("boundaryID")])} <= nodes.keys(), name
        assert "finishedAt" not in left["status"]
        assert not nodes or "Running" in {node["phase"] for node in nodes.values()}, f"{name}: nothing runs again"
        assert "Traceback" not in capsys.readouterr().err


def test_retry_refuses_every_recorded_success(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    for name, found in chosen():
        if code_of(found) == 0:
            api.add(stored(name, found, ended=True))
            assert main(["retry", name, "--cluster"]) == 1
            assert f"workflow {name} has succeeded" in capsys.readouterr().err
    assert api.writes == []
