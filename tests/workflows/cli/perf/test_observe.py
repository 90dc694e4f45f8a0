"""`slipway perf observe` on a cluster: it reads what releases have left, with the rights to look and no others."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi

from slipway_workflows.cli import main


def at(ago: float) -> str:
    return f"{datetime.fromtimestamp(time.time() - ago, UTC):%Y-%m-%dT%H:%M:%SZ}"


def release(name: str, ended: float, phase: str = "Succeeded") -> dict[str, Any]:
    nodes = {
        "a": {"type": "Pod", "displayName": "train", "startedAt": at(ended + 58), "finishedAt": at(ended + 40)},
        "b": {"type": "Pod", "displayName": "build", "startedAt": at(ended + 30), "finishedAt": at(ended + 10)},
    }
    labels = {"slipway.dev/template": "release-model"}
    metadata = {"name": name, "namespace": "slipway", "labels": labels, "creationTimestamp": at(ended + 60)}
    status: dict[str, Any] = {"phase": phase, "startedAt": at(ended + 58), "nodes": nodes}
    status |= {"finishedAt": at(ended)} if phase != "Running" else {}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "status": status}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    found = KubeApi()
    found.add(release("r-1", 100), release("r-2", 200), release("r-3", 300, "Failed"), release("r-4", 0, "Running"))
    found.add(release("r-old", 90000))
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    yield found
    found.close()


def test_releases_of_a_cluster_are_told_with_their_blanks(server: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perf", "observe", "--cluster", "--since", "1d"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith(
        "release-model   3 runs, 1 failed   median 60.0 s   p95 60.0 s   queue 2.0 s"
    )
    assert "between-steps 10.0 s: DEFAULT_REQUEUE_TIME" in said
    assert server.writes == [], "it changes nothing"
    page = Path(said.splitlines()[-1].removeprefix("report: ")).read_text()
    assert "release-model" in page
    assert "DEFAULT_REQUEUE_TIME" in page
    assert "Nothing here is stored as a session" in page


def test_the_same_as_json(server: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perf", "observe", "--target", "argo", "--since", "4w", "--output", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["runs"], found["components"]) == (4, {"build": 20, "train": 18})


def test_releases_that_got_slower_are_told(server: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        slow = release(f"r-slow-{number}", 50.0 + number)
        slow["metadata"]["creationTimestamp"] = at(400 - number)
        server.add(slow, release(f"r-quick-{number}", 1000.0 + 100 * number))
    assert main(["perf", "observe", "--cluster", "--since", "1d"]) == 0
    said = capsys.readouterr().out
    assert "   hint: end-to-end changed by ×" in said
    page = Path(said.splitlines()[-1].removeprefix("report: ")).read_text()
    assert "Hint: end-to-end changed by" in page
    assert "runs that succeeded." in page


def test_a_machine_without_runs_says_so(server: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["perf", "observe"]) == 0
    assert "no workflow has ended since 7d" in capsys.readouterr().out
    assert main(["perf", "observe", "--since", "soon"]) == 1
