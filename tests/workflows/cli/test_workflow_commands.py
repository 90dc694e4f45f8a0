"""list, get, logs, retry, stop, resume on stored runs."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from slipway_workflows.cli import main

SUSPENDED = {
    "kind": "Workflow",
    "metadata": {"name": "waits"},
    "spec": {
        "entrypoint": "main",
        "onExit": "bye",
        "templates": [
            {"name": "main", "steps": [[{"name": "ask", "template": "ask"}], [{"name": "say", "template": "bye"}]]},
            {"name": "ask", "suspend": {}},
            {"name": "bye", "container": {"image": "alpine:3", "command": ["echo", "bye"]}},
        ],
    },
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLIPWAY_HOME", raising=False)
    return tmp_path


def write(name: str, code: str) -> None:
    step = {"name": "main", "container": {"image": "alpine:3", "command": ["sh", "-c"], "args": [f"echo said; {code}"]}}
    arguments = {"parameters": [{"name": "code", "value": "3"}]}
    spec = {"entrypoint": "main", "arguments": arguments, "templates": [step]}
    Path(f"{name}.yaml").write_text(yaml.safe_dump({"kind": "Workflow", "metadata": {"name": name}, "spec": spec}))


def test_a_failed_run_is_listed_shown_read_and_retried(capsys: pytest.CaptureFixture[str]) -> None:
    write("wf", "exit {{workflow.parameters.code}}")
    assert main(["run", "wf.yaml"]) == 1
    capsys.readouterr()
    assert main(["list"]) == 0
    assert "wf" in (listed := capsys.readouterr().out) and "Failed" in listed
    assert main(["get", "wf"]) == 0
    assert "exit code 3" in capsys.readouterr().out
    assert main(["get", "wf", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["phase"] == "Failed"
    assert main(["logs", "wf"]) == 0
    assert capsys.readouterr().out == "wf: said\n"
    assert main(["retry", "wf", "-p", "code=0"]) == 0
    capsys.readouterr()
    assert main(["retry", "wf"]) == 1
    assert "has succeeded" in capsys.readouterr().err
    assert main(["retry", "wf", "-p", "cod=0"]) == 1


@pytest.mark.parametrize("argv", [["get", "x"], ["logs", "x"], ["retry", "x"], ["stop", "x"], ["resume", "../x"]])
def test_an_unknown_workflow_is_said(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 1
    assert "there is no workflow" in capsys.readouterr().err


def test_list_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "no workflows" in capsys.readouterr().err


def test_a_damaged_run_is_left_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("wf", "true")
    main(["run", "wf.yaml"])
    (here / ".slipway/runs/wf/workflow.json").write_text("{")
    capsys.readouterr()
    assert main(["list"]) == 0
    assert main(["get", "wf"]) == 1


@pytest.mark.parametrize(("verb", "phase"), [("resume", "Succeeded"), ("stop", "Failed")])
def test_a_waiting_run_is_resumed_or_stopped(here: Path, verb: str, phase: str) -> None:
    (here / "waits.yaml").write_text(yaml.safe_dump(SUSPENDED))
    code = "from slipway_workflows.cli import script; script()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "run", "waits.yaml"], stderr=subprocess.DEVNULL, env=os.environ
    )
    stored = here / ".slipway/runs/waits/workflow.json"
    deadline = time.monotonic() + 30
    while not stored.exists() or '"Suspend"' not in stored.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert main([verb, "waits"]) == 0
    assert child.wait(30) == (0 if phase == "Succeeded" else 1)
    found = json.loads(stored.read_text())["status"]
    assert found["phase"] == phase
    assert any(node["name"] == "waits.onExit" and node["phase"] == "Succeeded" for node in found["nodes"].values())
