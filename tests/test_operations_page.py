"""Each routine of docs/operations.md is one command that there is, and that runs on a machine without a release."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.cli import main

PAGE = (PROJECT_ROOT / "docs" / "operations.md").read_text()
ROUTINES = re.findall(r"^\| (?:daily|weekly|monthly|quarterly) \|[^|]*\| `([^`]+)` \|$", PAGE, re.MULTILINE)
QUICK = [command for command in ROUTINES if command.startswith("slipway") and "validate-system" not in command]
"""Whole scenarios are run by tests/e2e/test_validation.py."""


def test_every_period_has_a_routine() -> None:
    assert len(ROUTINES) == len(re.findall(r"^\| (?:daily|weekly|monthly|quarterly) ", PAGE, re.MULTILINE)) == 9


@pytest.mark.parametrize("command", QUICK)
def test_a_routine_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    code = main(["--home", str(tmp_path / "home"), *command.split()[1:]])
    if "history" in command or "--limits" in command:  # they tell of what was measured, and nothing was
        assert (code, capsys.readouterr().err.count("error: ")) == (1, 1)
    else:
        assert code == 0


@pytest.mark.parametrize("command", [command for command in ROUTINES if command.startswith("make")])
def test_a_target_exists(command: str) -> None:
    done = subprocess.run(
        [*command.split(), "--dry-run"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_tools_of_the_section_on_functions_are_an_extra_of_their_own() -> None:
    extras = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    section = PAGE.partition("\n## Which function it is\n")[2].partition("\n## ")[0]
    for name in re.findall(r"slipway\[(\w+)\]", section):
        assert [one.partition(">")[0] for one in extras[name]] == ["memray", "py-spy"]
    assert "py-spy record" in section
    assert "memray run" in section
    for file in re.findall(r"images/\S+\.py", section):
        assert (PROJECT_ROOT / file).is_file()


def test_scenarios_of_the_routine_are_there() -> None:
    (command,) = [command for command in ROUTINES if "validate-system" in command]
    assert list((PROJECT_ROOT / command.split()[2]).glob("*.yaml"))
