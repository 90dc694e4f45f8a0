"""`slipway up` and `slipway status` on real supervisors and a real journal: whatever stopped them, all come back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from model_packages import make_package

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.local.state import Status
from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.world import make_world
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.journal import Intent, Record
from slipway_steps.ports import World
from slipway_steps.release import rollout
from slipway_steps.settings import Settings
from slipway_workflows.cli import main

STAGING, CANARY, PRODUCTION = Environment
SERVE = """
import http.server, json, os
version = open("versions.txt").read().split("=")[-1]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        body = {"version": version.strip(), "digest": os.environ["SLIPWAY_IMAGE_DIGEST"]}
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation that has built version 1 and serves nothing; made once, MLflow's database takes its time."""
    directory = tmp_path_factory.mktemp("up")
    app = directory / "app"
    app.mkdir()
    (app / "serve.py").write_text(SERVE)
    found = make_world(Settings(home=directory / "home", app_directory=app))
    registry = found.registry
    assert isinstance(registry, MlflowRegistry)
    found.images.build(make_package(directory / "package"), "1", "development-1.0.1")
    registry.write_record(PRODUCTION, Record())
    registry.client.create_model_version(registry.model, (directory / "package").as_uri())
    yield found
    for environment in Environment:
        platform_of(found).down(environment)


@pytest.fixture
def world(installation: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Version 1 stands in staging and canary; production serves nothing."""
    settings = installation.settings
    monkeypatch.setenv("SLIPWAY_HOME", str(settings.home))
    monkeypatch.setenv("SLIPWAY_APP_DIRECTORY", str(settings.app_directory))
    digest = installation.images.resolve("development-1.0.1")
    assert digest is not None
    candidate = Candidate(version="1", digest=digest)
    for environment in (STAGING, CANARY):
        assert rollout.deploy_and_wait(installation, environment, candidate)
        installation.registry.write_record(environment, Record(current=candidate, passed=(candidate,)))
        installation.registry.set_alias(environment.value, "1")
    return installation


def platform_of(world: World) -> LocalPlatform:
    platform = world.platform
    assert isinstance(platform, LocalPlatform)
    return platform


def directory(world: World, environment: Environment) -> Path:
    return platform_of(world).home / "environments" / environment.value


def until(said: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def phase(world: World, environment: Environment) -> str:
    return platform_of(world).status(environment).phase


def kill(world: World, environment: Environment) -> None:
    status = Status.read(directory(world, environment) / "status.json")
    assert status is not None
    os.kill(status.supervisor, signal.SIGKILL)
    until(lambda: phase(world, environment) == "Unknown")


def pods(world: World) -> list[str]:
    return [world.platform.observe(environment).pods[0].name for environment in (STAGING, CANARY)]


def as_the_journal_says(world: World) -> bool:
    candidate = world.registry.record(STAGING).current
    assert candidate is not None
    there = all(rollout.serves(world, environment, candidate) for environment in (STAGING, CANARY))
    return there and phase(world, PRODUCTION) == "Empty"


def test_what_was_killed_and_what_was_stopped_serve_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    kill(world, STAGING)
    platform_of(world).down(CANARY)
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "staging: Unknown: its supervisor was killed; start it with: slipway up" in said
    assert "canary: Stopped: stopped by slipway down; start it with: slipway up" in said
    assert main(["up"]) == 0
    said = capsys.readouterr().out
    assert "staging: started version 1 again (its supervisor was killed)" in said
    assert as_the_journal_says(world)
    before = pods(world)
    assert main(["up"]) == 0
    assert "started" not in capsys.readouterr().out
    assert pods(world) == before, "up on what is up made new pods"
    assert main(["status"]) == 0
    assert "slipway up" not in capsys.readouterr().out


def test_a_restart_of_the_machine_is_told_from_a_kill(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    kill(world, STAGING)
    before = psutil.boot_time() - 60
    os.utime(directory(world, STAGING) / "status.json", (before, before))
    main(["status"])
    assert "staging: Unknown: the machine was restarted; start it with: slipway up" in capsys.readouterr().out


def test_what_is_not_deployed_at_all_is_deployed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    platform_of(world).empty(CANARY)
    main(["status"])
    assert "canary: Empty: the journal has version 1 here; bring it back with: slipway up" in capsys.readouterr().out
    assert main(["up"]) == 0
    assert as_the_journal_says(world)


@pytest.mark.acceptance
def test_two_at_once_are_fine(world: World) -> None:
    kill(world, STAGING)
    kill(world, CANARY)
    command = [sys.executable, "-c", "from slipway_workflows.cli import script; script()", "up"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    assert as_the_journal_says(world)


def test_what_a_dead_release_left_is_undone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    record = world.registry.record(STAGING)
    dead = Intent(release="dead", action="revert", target=record.current, before=None, reason="reject")
    world.registry.write_record(STAGING, record.opened(dead))
    kill(world, STAGING)
    assert main(["up"]) == 0
    assert "dead ended in the middle of its revert" in capsys.readouterr().out
    assert as_the_journal_says(world)
    assert world.registry.record(STAGING).open is None


def test_one_that_does_not_come_up_keeps_no_other_down(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for environment in (STAGING, CANARY):
        kill(world, environment)
    (directory(world, STAGING) / "spec.json").write_text("{")
    assert main(["up"]) == 1
    said = capsys.readouterr()
    assert "damaged" in said.err
    assert "staging" in said.out
    assert phase(world, CANARY) == "Running"
    (directory(world, STAGING) / "spec.json").unlink()
    assert main(["up"]) == 0
    assert as_the_journal_says(world)


def test_without_any_release_there_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    assert main(["up"]) == 0
    assert "nothing was ever released here" in capsys.readouterr().out
    monkeypatch.setenv("SLIPWAY_PLATFORM", "kubernetes")
    assert main(["up"]) == 1
    assert "slipway doctor --mend" in capsys.readouterr().err
