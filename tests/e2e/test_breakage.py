"""Releases that are killed, stopped, or run at the same time: staging is never left with what was not judged good."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from e2e.machine import Slipway, outputs, phases, running_step, until


@pytest.fixture(scope="module", autouse=True)
def released(machine: Slipway, trained_package: Path) -> None:
    """Version 1 stands in staging and canary."""
    found = machine.release(trained_package, "load-requests=20")
    assert found.code == 0, found.err


def begin(machine: Slipway, package: Path, *parameters: str) -> subprocess.Popen[str]:
    given = [f"model-package={package}", "load-requests=20", *parameters]
    return machine.start("run", "release-model", *(w for p in given for w in ("-p", p)), "--output", "json")


def spec_version(machine: Slipway) -> str | None:
    path = machine.home / "environments" / "staging" / "spec.json"
    candidate = json.loads(path.read_text())["candidate"]
    return candidate["version"] if candidate else None


def staging_is_as_before(machine: Slipway) -> None:
    found = machine.status()
    status = found["staging"]
    assert (status["version"], status["last_good"], status["phase"]) == ("1", "1", "Running")
    assert machine.serves("staging", found) == "1"
    assert machine.aliases()["staging"] == "1"


def test_a_deploy_killed_half_way_is_undone_by_the_same_release(machine: Slipway, trained_package: Path) -> None:
    release = begin(machine, trained_package)
    until(lambda: spec_version(machine) != "1")
    deploy = running_step(release.pid, "deploy")
    assert deploy is not None
    deploy.kill()
    out, err = release.communicate(timeout=200)
    assert release.returncode == 1, err
    workflow = json.loads(out)
    ran = phases(workflow)
    assert outputs(workflow)["verdict"] == "error", "breakage was called a rejection"
    assert (ran["integration"], ran["revert"], ran["rejected"]) == ("Skipped", "Succeeded", "Failed")
    staging_is_as_before(machine)


def test_ctrl_c_stops_cleanly_and_staging_is_restored(machine: Slipway, trained_package: Path) -> None:
    release = begin(machine, trained_package)
    until(lambda: running_step(release.pid, "resources"))
    os.kill(release.pid, signal.SIGINT)
    out, err = release.communicate(timeout=200)
    assert release.returncode == 130, err
    assert "Traceback" not in err
    assert json.loads(out)["status"]["phase"] == "Failed"
    staging_is_as_before(machine)


def test_a_release_that_died_blocks_nobody_and_two_wait_for_each_other(machine: Slipway, trained_package: Path) -> None:
    dead = begin(machine, trained_package)
    until(lambda: running_step(dead.pid, "integration"))
    os.killpg(dead.pid, signal.SIGKILL)
    dead.communicate()
    assert spec_version(machine) != "1", "the dead release left its version, unjudged"

    first = begin(machine, trained_package)
    until(lambda: running_step(first.pid, "train"))
    second = begin(machine, trained_package, "auto-promote=false")
    until(lambda: running_step(first.pid, "integration"))
    assert running_step(second.pid, "train") is None, "two releases at once"
    refused = machine("revert", "staging")
    assert (refused.code, "belongs to release" in refused.err) == (1, True)
    ends = [release.communicate(timeout=250) for release in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], ends
    workflows = [json.loads(out) for out, _ in ends]
    assert workflows[1]["status"]["startedAt"] >= workflows[0]["status"]["finishedAt"]
    deploy_log = next(
        (machine.home / "runs" / workflows[0]["metadata"]["name"] / "logs" / f"{node['id']}.log").read_text()
        for node in workflows[0]["status"]["nodes"].values()
        if node.get("templateName") == "deploy" and node["type"] == "Pod"
    )
    assert "ended without finishing its deploy; undoing that first" in deploy_log
    status = machine.status()
    held, promoted = status["staging"]["version"], status["canary"]["version"]
    assert int(str(held)) > int(str(promoted)) > 1
