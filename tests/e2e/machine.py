"""Whole releases, run as a person runs them: the program, in a process of its own, on a home of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

if TYPE_CHECKING:
    import psutil


@dataclass
class Finished:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def workflow(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded


class Slipway:
    """The program on one home. `tracking_uri`: an MLflow server; empty: the database of the home."""

    def __init__(self, home: Path, tracking_uri: str = "") -> None:
        self.home = home
        self.tracking_uri = tracking_uri
        self.environment = {
            **os.environ,
            "SLIPWAY_HOME": str(home),
            "SLIPWAY_TRACKING_URI": tracking_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def start(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from slipway_workflows.cli import script; script()", *args]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *args: str, timeout: float = 280) -> Finished:
        process = self.start(*args)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            pytest.fail(f"slipway {' '.join(args)} did not end in {timeout} s:\n{err[-2000:]}")
        assert "Traceback (most recent call last)" not in err, err[-3000:]
        return Finished(process.returncode, out, err)

    def status(self) -> dict[str, dict[str, str | None]]:
        """What `slipway status` says, by environment. It runs in this process, which has imported MLflow already."""
        from slipway_workflows.cli import main

        own = {"SLIPWAY_HOME": str(self.home), "SLIPWAY_TRACKING_URI": self.tracking_uri}
        with mock.patch.dict(os.environ, own), redirect_stdout(StringIO()) as out:
            assert main(["status", "--output", "json"]) == 0
        loaded: dict[str, dict[str, str | None]] = json.loads(out.getvalue())["environments"]
        return loaded

    def until_something_waits(self, seconds: float = 120) -> None:
        """Until a workflow of this machine waits for an answer."""
        from slipway_workflows import engine

        deadline = time.monotonic() + seconds
        while not engine.waiting_runs(self.home):
            assert time.monotonic() < deadline, "nothing ever waited"
            time.sleep(0.2)

    def until_something_runs(self, seconds: float = 120) -> None:
        """Until the newest workflow of this machine runs."""
        from slipway_workflows import engine

        deadline = time.monotonic() + seconds
        while not any(run.alive for run in engine.stored_runs(self.home)):
            assert time.monotonic() < deadline, "nothing ever ran"
            time.sleep(0.1)

    def serves(self, environment: str, status: dict[str, dict[str, str | None]] | None = None) -> str | None:
        """The version that an environment says it serves, over HTTP. `status`: where it was asked for already."""
        import requests

        url = (status or self.status())[environment]["url"]
        return None if url is None else requests.get(f"{url}/version", timeout=10).json()["version"]

    def aliases(self) -> dict[str, str]:
        """Alias -> version, as MLflow has them."""
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry
        from slipway_steps.settings import Settings

        registry = MlflowRegistry(Settings(home=self.home, tracking_uri=self.tracking_uri))
        found = {name: registry.alias(name) for name in ("development", "staging", "canary", "production")}
        return {name: version for name, version in found.items() if version}

    def release(self, package: Path, *parameters: str) -> Finished:
        """A release of a model that is already trained."""
        given = [f"model-package={package}", *parameters]
        return self("run", "release-model", *(word for p in given for word in ("-p", p)), "--output", "json")


def outputs(workflow: dict[str, Any]) -> dict[str, str]:
    """The global outputs of a workflow."""
    found = (workflow["status"].get("outputs") or {}).get("parameters") or []
    return {parameter["name"]: parameter["value"] for parameter in found}


def phases(workflow: dict[str, Any]) -> dict[str, str]:
    """Display name -> phase of every step, whether it ran or was skipped."""
    nodes = workflow["status"]["nodes"].values()
    return {node["displayName"]: node["phase"] for node in nodes if node["type"] in ("Retry", "Skipped", "Steps")}


def running_step(engine: int, name: str) -> "psutil.Process | None":
    """The process of a step below an engine, once it runs."""
    import psutil

    for child in psutil.Process(engine).children(recursive=True):
        try:
            if child.name() == name:
                return child
        except psutil.Error:
            continue
    return None


def until(said: Callable[[], object], seconds: float = 90) -> None:
    """Until `said` returns something true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)  # looking at all processes costs a processor some milliseconds
