"""A tracking URI at which no MLflow answers is said at once, in one line, before anything starts."""

import time
from pathlib import Path

import pytest
from mlflow_server import free_port

from slipway_workflows.cli import main


@pytest.mark.parametrize("command", [("run", "release-model"), ("status",), ("doctor",), ("up",)])
def test_nothing_waits_for_a_server_that_is_not_there(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    started = time.monotonic()
    assert main(["--home", str(tmp_path / "home"), *command]) == 1
    assert time.monotonic() - started < 60, "MLflow's own client tries for two minutes"
    (line,) = capsys.readouterr().err.splitlines()
    assert "no answer" in line
    assert "attempts: 1" in line
    assert "does SLIPWAY_TRACKING_URI name a running MLflow server?" in line
    assert not list((tmp_path / "home").rglob("workflow.json")), "a workflow was begun"
