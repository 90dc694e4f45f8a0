"""The program on bad input: one clear line, exit code 1, nothing lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slipway_workflows.cli import main

HELLO = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "hello"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": [{"name": "word", "value": "hello"}]},
        "templates": [
            {
                "name": "main",
                "inputs": {"parameters": [{"name": "word"}]},
                "container": {
                    "image": "alpine:3",
                    "command": ["sh", "-c"],
                    "args": ["echo $W"],
                    "env": [{"name": "W", "value": "{{inputs.parameters.word}}"}],
                },
            }
        ],
    },
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLIPWAY_HOME", raising=False)
    return tmp_path / ".slipway"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["run"], "NAME|FILE"),
        (["run", "no-such-workflow"], "release-model"),
        (["run", "missing.yaml"], "cannot be read"),
        (["run", "release-model", "-p", "scenario=sloow"], "bad-architecture"),
        (["run", "release-model", "-p", "scenariooo=slow"], "scenariooo"),
        (["run", "release-model", "-p", "scenario"], "name=value"),
        (["run", "train-model", "--output", "xml"], "xml"),
        (["fly"], "fly"),
        (["promote"], "--to"),
        (["promote", "--to", "staging"], "release"),
        (["promote", "--to", "mars"], "staging, canary, production"),
        (["promote", "--to", "production"], "--yes"),
        (["promote", "--to", "production", "--strategy", "canary"], "--yes"),
        (["promote", "--to", "canary", "--strategy", "canary"], "--to production"),
        (["promote", "--to", "production", "--weights", "5"], "--strategy canary"),
        (["promote", "--to", "production", "--strategy", "canary", "--weights", "9,5"], "do not rise"),
        (["promote", "--to", "production", "--strategy", "canary", "--cluster"], "one machine only"),
        (["revert", "mars"], "mars"),
        (["env", "logs", "staging"], "no log yet"),
        (["approve"], "no workflow waits"),
        (["reject", "nothing"], "there is no workflow nothing"),
    ],
)
def test_bad_input_is_one_line(argv: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert main(argv) == 1
    found = capsys.readouterr()
    assert found.err.startswith("error: ")
    assert said in found.err
    assert found.out == ""
    assert not (home / "runs").exists(), "something was started"


def test_help_is_quick_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys; from slipway_workflows.cli import main; main(['--help'])\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("mlflow", "torch", "hera", "locust", "pydantic", "matplotlib", "rich"):
        assert f"'{heavy}'" not in done.stderr, heavy
    for command in ("run", "status", "promote", "revert", "approve", "render", "ui", "down"):
        assert command in done.stdout


def test_status_of_an_empty_machine_makes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["environments"]
    assert list(found) == ["staging", "canary", "production"]
    nothing = {"version": None, "digest": None, "url": None, "last_good": None}
    assert found["staging"] == {**nothing, "phase": "Empty", "message": ""}
    assert not home.exists()


def test_a_file_is_run_and_its_workflow_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hello.yaml").write_text(yaml.safe_dump(HELLO))
    assert main(["run", "hello.yaml", "-p", "word=$(touch hacked); `x`", "--output", "json"]) == 0
    found = json.loads(capfd.readouterr().out)
    (node,) = found["status"]["nodes"].values()
    assert (found["status"]["phase"], node["type"], node["phase"]) == ("Succeeded", "Pod", "Succeeded")
    log = next((tmp_path / ".slipway" / "runs" / "hello" / "logs").iterdir())
    assert log.read_text() == "$(touch hacked); `x`\n"
    assert not (tmp_path / "hacked").exists()


def test_parameters_come_from_a_file_and_the_command_line_wins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hello.yaml").write_text(yaml.safe_dump(HELLO))
    (tmp_path / "parameters.yaml").write_text("word: [1, two]\n")
    for given, word in (([], '[1, "two"]'), (["-p", "word=three"], "three")):
        assert main(["run", "hello.yaml", "--parameter-file", "parameters.yaml", *given, "--output", "json"]) == 0
        found = json.loads(capfd.readouterr().out)
        assert found["spec"]["arguments"]["parameters"] == [{"name": "word", "value": word}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a", "parameters.yaml holds no object of names and values"),
        ("1: a", "parameters.yaml holds no object of names and values"),
        ("", "parameters.yaml holds no object of names and values"),
        ("a: [", "parameters.yaml is neither YAML nor JSON"),
        ("word: 2026-01-01", "a value is no text and cannot be JSON"),
        ("wordd: a", "wordd"),
        (None, "parameters.yaml: No such file or directory"),
    ],
)
def test_a_file_of_parameters_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    (tmp_path / "hello.yaml").write_text(yaml.safe_dump(HELLO))
    if content is not None:
        (tmp_path / "parameters.yaml").write_text(content)
    assert main(["run", "hello.yaml", "--parameter-file", "parameters.yaml"]) == 1
    found = capsys.readouterr()
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert not (tmp_path / ".slipway" / "runs").exists()


def test_garbage_files_are_named_with_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, (content, said) in enumerate(
        [
            (b"a: 1\nb: [", "0.yaml:3"),
            (b"- 1", "no Kubernetes object"),
            (b"", "no Kubernetes object"),
            (b"\xff\xfe\x00", "cannot be"),
        ]
    ):
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(content)
        assert main(["run", str(path)]) == 1
        assert said in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "hello.yaml").write_text(yaml.safe_dump(HELLO))
    assert main(["--home", str(tmp_path / "file" / "x"), "run", "hello.yaml"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_failing_workflow_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    HELLO["spec"]["templates"][0]["container"]["args"] = ["exit 3"]  # type: ignore[index]
    (tmp_path / "hello.yaml").write_text(yaml.safe_dump(HELLO))
    assert main(["run", "hello.yaml"]) == 1
    assert "exit code 3" in capsys.readouterr().err


def test_render_check_says_what_is_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from slipway_workflows.cli import render

    monkeypatch.setattr(render, "MANIFESTS", tmp_path / "manifests")
    assert main(["render", "--check"]) == 1
    assert "missing: release-model.yaml" in capsys.readouterr().err
    assert main(["render"]) == 0
    assert main(["render", "--check"]) == 0


def test_ui_without_mlflow_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui"]) == 1
    assert "make " in capsys.readouterr().err
