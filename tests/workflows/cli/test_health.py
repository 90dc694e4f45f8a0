"""`slipway health-check`, as people type it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from slipway_steps.domain.health import COMPONENTS
from slipway_workflows.cli import main

SLIPWAY = [str(Path(sys.executable).parent / "slipway")]


def test_a_new_machine_is_healthy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "home"), "health-check", "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["component"] for one in told["components"]] == list(COMPONENTS)
    assert not (tmp_path / "home").exists()


def test_an_mlflow_that_is_away_is_red(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_TRACKING_URI", "http://127.0.0.1:9")
    assert main(["--home", str(tmp_path), "health-check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("registry      unhealthy  MLflow at http://127.0.0.1:9")
    assert lines[-1] == "unhealthy (2 of 8)"


def test_it_serves_until_it_is_ended(tmp_path: Path) -> None:
    command = [*SLIPWAY, "--home", str(tmp_path / "home"), "health-check", "--serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        taken = subprocess.run(
            [*command[:-1], url.rpartition(":")[2].removesuffix("/health")], capture_output=True, text=True, check=False
        )
        assert requests.get(url, timeout=30).json()["overall"] in ("healthy", "degraded")
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 130
    assert taken.returncode == 1
    assert "cannot be bound" in taken.stderr
    assert "Traceback" not in taken.stderr
