"""Every command of the tutorial, typed in its order on one machine; and what each of them promises there.

Releases take the test run's trained models instead of training one each, and fewer requests: enough to see that a model
is slow.
"""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.machine import Finished, Slipway, outputs, phases
from e2e.tutorial import Command, commands, files

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.cli import main

COMMANDS = commands()
Check = Callable[[Slipway, Finished], None]


def standing(machine: Slipway, **expected: str | None) -> dict[str, dict[str, str | None]]:
    """What each environment was told, serves and has as its alias: all the same version. Returns the status."""
    status, aliases = machine.status(), machine.aliases()
    for environment, version in expected.items():
        assert (status[environment]["version"], aliases.get(environment)) == (version, version), environment
        if version:
            assert status[environment]["phase"] == "Running"
            assert machine.serves(environment, status) == version
    return status


def promoted_by_itself(machine: Slipway, found: Finished) -> None:
    workflow = found.workflow
    assert outputs(workflow)["verdict"] == "pass"
    ran = phases(workflow)
    assert (ran["promote"], ran["hold"], ran["revert"], ran["rejected"]) == ("Succeeded", *["Skipped"] * 3)
    assert "handler: pass" in machine("logs", workflow["metadata"]["name"], "handler").out
    assert (machine.home / "runs" / workflow["metadata"]["name"] / "report.html").exists()
    status = standing(machine, staging="1", canary="1", production=None)
    empty = {"version": None, "digest": None, "phase": "Empty", "url": None, "last_good": None, "message": ""}
    assert status["production"] == empty
    assert status["staging"]["digest"] == status["canary"]["digest"], "promotion changed the image"
    assert machine.aliases()["development"] == "1"


def held(machine: Slipway, found: Finished) -> None:
    ran = phases(found.workflow)
    assert (ran["hold"], ran["promote"]) == ("Succeeded", "Skipped")
    standing(machine, staging="2", canary="1")


def not_registered(machine: Slipway, found: Finished) -> None:
    assert phases(found.workflow)["register"] == "Skipped", "a failing evaluation registered a version"
    assert machine.aliases()["development"] == "2"
    standing(machine, staging="2", canary="2")


def handler_rejected(machine: Slipway, found: Finished) -> None:
    ran = phases(found.workflow)
    assert (ran["evaluate"], ran["handler"], ran["register"]) == ("Succeeded", "Succeeded", "Skipped")
    assert outputs(found.workflow)["verdict"] == "reject"
    assert "reject by handler: output_fn returned None" in " ".join(found.err.split())
    assert machine.aliases()["development"] == "2", "a handler that answers nothing was registered"
    standing(machine, staging="2", canary="2")


def rejected_by(gate: str) -> Check:
    def check(machine: Slipway, found: Finished) -> None:
        workflow = found.workflow
        assert (workflow["status"]["phase"], outputs(workflow)["verdict"]) == ("Failed", "reject")
        ran = phases(workflow)
        assert (ran["promote"], ran["revert"], ran["rejected"]) == ("Skipped", "Succeeded", "Failed")
        assert f"reject by {gate}" in found.err
        assert standing(machine, staging="2", canary="2")["staging"]["last_good"] == "2"
        if gate == "resources":
            assert "oom-killed" in found.err
            assert ran["resources"] == "Succeeded", "a gate that ran exits 0"
            assert ran["load"] == "Skipped"

    return check


def said(*words: str) -> Check:
    def check(machine: Slipway, found: Finished) -> None:
        assert [word for word in words if word not in found.out] == []

    return check


def drawn(name: str) -> Check:
    def check(machine: Slipway, found: Finished) -> None:
        assert (machine.home.parent / name).read_text().startswith("<svg")

    return check


def stands(**expected: str | None) -> Check:
    def check(machine: Slipway, found: Finished) -> None:
        standing(machine, **expected)

    return check


def rejected_as_my_pipeline(machine: Slipway, found: Finished) -> None:
    assert found.out.startswith("rejected, expected promoted   2/10 steps")
    assert "did not run: handler, register, build, deploy, integration, resources, load, promote" in found.out
    assert machine.aliases().get("staging", "2") == "2", "a scenario touches nothing of what people use"


def as_my_pipeline_should_end(machine: Slipway, found: Finished) -> None:
    assert found.out.startswith("promoted as expected   10/10 steps")
    assert not list((machine.home / "validation").glob("*/home"))


def measured(machine: Slipway, found: Finished) -> None:
    first, *rest = found.out.splitlines()
    assert re.match(r"mine-\w+: \d+\.\d\d cores, peak \d+ MiB", first)
    assert [line for line in rest if line.startswith("train")], "the run was measured from its beginning"


def tried(machine: Slipway, found: Finished) -> None:
    lines = found.out.splitlines()
    assert [re.sub(r".*(batch 16 -> \d+): peak .*", r"\1", line) for line in lines] == [
        "batch 16 -> 8",
        "batch 16 -> 32",
    ]
    assert all("6 runs each" in line for line in lines)
    assert "results differ" not in found.out


def stopped(machine: Slipway, found: Finished) -> None:
    status = machine.status()
    assert status["staging"]["phase"] != "Running"
    assert status["staging"]["version"] == "2"
    assert machine("down").code == 0, "a second down"


CHECKS: dict[str, Check] = {
    "slipway run release-model": promoted_by_itself,
    "slipway get @latest": said("Succeeded", "promote"),
    "slipway graph @latest --output promoted.svg": drawn("promoted.svg"),
    "slipway logs @latest evaluate": said("accuracy"),
    "slipway run release-model -p auto-promote=false": held,
    "slipway status": said("staging", "canary", "production"),
    "slipway promote --to canary": stands(staging="2", canary="2", production=None),
    "slipway run release-model -p scenario=flaky-metrics -p seed=2": not_registered,
    "slipway run release-model -p scenario=bad-handler": handler_rejected,
    "slipway run release-model -p scenario=bad-architecture": rejected_by("integration"),
    "slipway run release-model -p scenario=oversized": rejected_by("resources"),
    "slipway graph @latest --output reverted.svg": drawn("reverted.svg"),
    "slipway run release-model -p scenario=slow": rejected_by("load"),
    "slipway run test-staging": stands(staging="2", canary="2"),
    "slipway lint workflows/manifests": said(),
    "slipway run promote-to-production": stands(),
    "slipway approve": stands(staging="2", canary="2", production="2"),
    'slipway revert canary --reason "customers saw wrong labels"': stands(staging="2", canary="1", production="2"),
    "slipway list": said("release-model", "revert-model", "promote-to-production"),
    "slipway doctor": said("staging: as the journal says", "canary: as the journal says"),
    "slipway down": stopped,
    "slipway validate-e2e mine/scenario.yaml": rejected_as_my_pipeline,
    "sed -i s/0.999/0.95/ mine/pipeline.yaml": said(),
    "slipway validate-e2e mine": as_my_pipeline_should_end,
    "slipway run mine/pipeline.yaml": stands(),
    "slipway monitor-performance": measured,
    "slipway optimize evaluate --knob batch": tried,
    "slipway up": said("production"),
    "slipway health-check": said("registry      healthy", "artifacts     healthy"),
}
"""The check that is made after each command, by the command's line."""


def test_the_tutorial_has_these_commands_and_no_other() -> None:
    assert [command.line for command in COMMANDS] == list(CHECKS)


@pytest.fixture(scope="module")
def mine(machine: Slipway, trained_package: Path) -> Path:
    """The files that the reader of part 3 writes; her pipeline takes the test run's trained model."""
    directory = machine.home.parent / "mine"
    directory.mkdir()
    for name, text in files().items():
        (machine.home.parent / name).write_text(text)
    with (directory / "pipeline.yaml").open("a") as pipeline:
        for parameter, value in (("model-package", trained_package), ("load-requests", 10)):
            pipeline.write(f'      - {{name: {parameter}, value: "{value}"}}\n')
    return directory


beside: dict[str, subprocess.Popen[str]] = {}
"""Commands that run in the background and were not waited for yet, by their line."""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.line)
def test_a_command_does_what_its_page_says(
    machine: Slipway, trained_package: Path, resnet_package: Path, mine: Path, command: Command
) -> None:
    program, *arguments = shlex.split(command.line)
    arguments = [str(mine.parent / one) if one.split("/")[0] == "mine" else one for one in arguments]
    if program != "slipway":
        subprocess.run([program, *arguments], check=True)
        return
    if arguments[:2] == ["run", "release-model"]:
        package = resnet_package if "scenario=bad-architecture" in arguments else trained_package
        arguments += ["-p", f"model-package={package}", "-p", "load-requests=10", "--output", "json"]
    if arguments[:2] == ["run", "test-staging"]:
        arguments += ["-p", "load-requests=10"]
    arguments = [str(PROJECT_ROOT / one) if one.startswith("workflows/") else one for one in arguments]
    arguments = [str(machine.home.parent / one) if one.endswith(".svg") else one for one in arguments]
    if command.beside:
        beside[command.line] = machine.start(*arguments)
        return
    if arguments == ["approve"]:
        machine.until_something_waits()
    if arguments == ["monitor-performance"]:
        machine.until_something_runs()
    found = machine(*arguments)
    if arguments == ["health-check"] and found.code:
        found = machine(*arguments)  # a probe has five seconds, and other tests may just have had the machine
    assert found.code == command.code, found.out + found.err
    for line in list(beside):
        _, err = beside[line].communicate(timeout=120)
        assert beside.pop(line).returncode == 0, err
    CHECKS[command.line](machine, found)


@pytest.mark.parametrize("name", ["promoted", "reverted"])
def test_the_pictures_are_drawn_from_recorded_runs(name: str, tmp_path: Path) -> None:
    drawn_again = tmp_path / f"{name}.svg"
    assert main(["graph", str(PROJECT_ROOT / "docs" / "recorded" / f"{name}.json"), "-o", str(drawn_again)]) == 0
    assert drawn_again.read_text() == (PROJECT_ROOT / "docs" / f"{name}.svg").read_text()
