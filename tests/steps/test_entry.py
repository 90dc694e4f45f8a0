"""The way from argv to output files and an exit code."""

import os
import sys
import types
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from slipway_steps import entry
from slipway_steps.domain.errors import BadInput, Broken


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Params(BaseModel):
    model_version: str = Field("", description="100 % of it")
    users: int = 10
    colour: Colour = Colour.RED
    release: str


class Outputs(BaseModel):
    model_version: str
    colour: Colour


def run(params: Params, world: object) -> Outputs:
    if params.users < 0:
        raise Broken("asking the moon failed", "try again")
    return Outputs(model_version=params.model_version, colour=params.colour)


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("example_step")
    vars(module).update(Params=Params, Outputs=Outputs, run=run)
    monkeypatch.setitem(sys.modules, "example_step", module)
    monkeypatch.setitem(entry.STEPS, "example", "example_step")
    world = types.ModuleType("slipway_steps.adapters.world")
    world.make_world = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slipway_steps.adapters.world", world)
    return module


def test_outputs_are_files_with_hyphens(step: types.ModuleType, tmp_path: Path) -> None:
    argv = ["example", "--model-version=7", "--release=r", "--colour=blue", f"--output-dir={tmp_path}"]
    assert entry.main(argv) == 0
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"model-version": "7", "colour": "blue"}


@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_reaches_the_step_as_it_is(value: str) -> None:
    module = types.ModuleType("example_step")
    vars(module).update(Params=Params)
    params, _ = entry.parse(module, [f"--model-version={value}", "--release=--users"])
    assert isinstance(params, Params)
    assert (params.model_version, params.release, params.users) == (value, "--users", 10)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "unknown step ''"),
        (["nothing"], "unknown step 'nothing'"),
        (["example"], "release"),
        (["example", "--release=r", "--users=many"], "users"),
        (["example", "--release=r", "--colour=green"], "colour"),
        (["example", "--release=r", "--wrong=1"], "--wrong=1"),
        (["example", "--release=r", "--users=-1"], "asking the moon failed (try again)"),
    ],
)
def test_a_fault_is_one_line_and_the_exit_code_says_whether_a_retry_may_help(
    step: types.ModuleType, argv: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = entry.main([*argv, f"--output-dir={tmp_path / 'out'}"] if argv else argv)
    assert code == (75 if "try again" in said else 1)
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists(), "a failed step wrote outputs"


def test_steps_are_all_there() -> None:
    for name in entry.STEPS:
        module = entry.load_step(name)
        assert "release" in module.Params.model_fields, name
        assert callable(module.run)


def test_unknown_step_names_the_known() -> None:
    with pytest.raises(BadInput, match="deploy"):
        entry.load_step("deplyo")


def test_a_step_reports_to_nobody_whatever_its_environment_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    entry.main(["no-such-step"])
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_a_failed_step_leaves_its_reason_as_the_termination_message(step: types.ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    flag = f"--termination-log={log}"
    assert entry.main(["example", "--release=r", flag]) == 0
    assert not log.exists()
    assert entry.main(["example", "--release=r", "--users=-1", flag]) == Broken.exit_code
    assert log.read_text() == "asking the moon failed (try again)"
    assert entry.main(["example", "--users=many", flag]) == 1
    assert "users" in log.read_text()
    assert entry.main(["example", "--users=many", "--termination-log=/nowhere/at/all"]) == 1
