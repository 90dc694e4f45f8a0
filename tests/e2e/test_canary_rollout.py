"""Promotions by rising shares of real requests, through the real gateway: judged, killed, rejected."""

import json
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from e2e.machine import Slipway, phases, running_step, until

CANARY = ("promote", "--to", "production", "--strategy", "canary", "--yes")


@pytest.fixture(scope="module", autouse=True)
def released(machine: Slipway, trained_package: Path) -> None:
    """Version 1 stands everywhere, and version 2 in staging and canary."""
    first = machine("run", "build-initial", "-p", f"model-package={trained_package}")
    assert first.code == 0, first.err
    assert machine.release(trained_package, "load-requests=20").code == 0


def share(machine: Slipway) -> int:
    path = machine.home / "gateway" / "spec.json"
    percent: int = json.loads(path.read_text())["share"]["percent"] if path.exists() else 0
    return percent


def versions(machine: Slipway) -> dict[str, str | None]:
    return {name: one["version"] for name, one in machine.status().items()}


@pytest.mark.parametrize("weights", ["50,10", "0", "5,101", "ten"])
def test_wrong_weights_are_refused_in_one_line(machine: Slipway, weights: str) -> None:
    found = machine(*CANARY, "--weights", weights)
    assert found.code == 1
    assert f"weights '{weights}'" in found.err
    assert "Traceback" not in found.err
    assert not (machine.home / "gateway").exists()


def test_a_rollout_that_is_killed_is_taken_back(machine: Slipway) -> None:
    rollout = machine.start(*CANARY, "--weights", "50,90")
    until(lambda: running_step(rollout.pid, "canary"), 120)
    assert share(machine) == 50
    rollout.kill()
    rollout.communicate()
    found = machine("doctor", "--mend")
    assert found.code == 0, found.err
    assert share(machine) == 0
    assert versions(machine) == {"staging": "2", "canary": "2", "production": "1"}


def test_a_good_version_gets_more_and_more_and_then_all(machine: Slipway) -> None:
    found = machine(*CANARY, "--weights", "20,50")
    assert found.code == 0, found.err
    assert versions(machine)["production"] == "2"
    assert share(machine) == 0
    assert machine("doctor").code == 0


def test_a_slow_version_is_rejected_and_users_get_the_old_one(machine: Slipway, trained_package: Path) -> None:
    assert machine.release(trained_package, "load-requests=20").code == 0
    status = json.loads((machine.home / "environments" / "canary" / "status.json").read_text())
    app, ends = psutil.Process(status["process"]["pid"]), threading.Event()

    def slow_down() -> None:
        with suppress(psutil.NoSuchProcess):  # the canary is reverted, and its process ends
            while not ends.wait(0.05):
                app.send_signal(signal.SIGSTOP)
                ends.wait(0.2)
                app.send_signal(signal.SIGCONT)

    before = set(_rollouts(machine))
    slower = threading.Thread(target=slow_down)
    slower.start()
    try:
        rollout = machine.start(*CANARY, "--weights", "25,50")
        until(lambda: rollout.poll() is not None, 200)
    finally:
        ends.set()
        slower.join()
    _, err = rollout.communicate()
    assert rollout.returncode == 2, err
    assert share(machine) == 0
    assert versions(machine) == {"staging": "3", "canary": "2", "production": "2"}
    (run,) = set(_rollouts(machine)) - before
    assert phases(json.loads((run / "workflow.json").read_text()))["promote"] == "Skipped"
    assert "reject: p95" in "".join(path.read_text() for path in (run / "logs").glob("*.log"))


def _rollouts(machine: Slipway) -> list[Path]:
    return list((machine.home / "runs").glob("promote-by-canary-*"))
