"""`slipway test-handler --pipeline`: a pipeline from a file, and one clear line for what is none."""

import json
from pathlib import Path

import pytest
from handler_code import body, code_package

from slipway_steps.domain.pipeline_testing import PipelineResult
from slipway_workflows.cli import main

PIPELINE = {
    "dag": {"nodes": ["write", "serve"], "edges": [["write", "serve"]]},
    "script_specs": {"write": {"script_name": "write", "script_path": "write.py", "output_paths": {"rows": "r.json"}}},
    "inference_handlers": {
        "serve": {"handler_name": "serve", "step_name": "Registration", "packaged_model_path": "good"}
    },
}
WRITE = "def main(output_paths):\n    open(output_paths['rows'], 'w').write('{text}')\n"


def samples(made: Path) -> None:
    (made / "payloads").mkdir()
    (made / "payloads" / "one.json").write_text("[1, 2]")


@pytest.mark.parametrize(("text", "code", "said"), [("[1, 2]", 0, "passed"), ('["x"]', 2, "write -> serve: failed: ")])
def test_a_pipeline_is_tested_from_any_directory(
    tmp_path: Path, text: str, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code_package(
        tmp_path / "good", input_fn="def input_fn(data, kind):\n    return [float(one) for one in json.loads(data)]"
    )
    samples(tmp_path / "good")
    (tmp_path / "write.py").write_text(WRITE.format(text=text))
    (tmp_path / "p.json").write_text(json.dumps(PIPELINE))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["test-handler", "--pipeline", "../p.json"]) == code
    assert said in capsys.readouterr().out


def pipeline(directory: Path, monkeypatch: pytest.MonkeyPatch, **parts: str) -> None:
    directory.mkdir(exist_ok=True)
    samples(code_package(directory / "good", **parts))
    monkeypatch.chdir(directory)
    (directory / "write.py").write_text(WRITE.format(text="[1, 2]"))
    (directory / "p.json").write_text(json.dumps(PIPELINE))


def test_the_result_of_a_pipeline_is_one_object_of_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(tmp_path, monkeypatch)
    assert main(["test-handler", "--pipeline", "p.json", "--output", "json"]) == 0
    found = PipelineResult.model_validate_json(capsys.readouterr().out)
    assert (found.pipeline_success, found.order, len(found.edges)) == (True, ["write", "serve"], 1)


def test_the_handlers_of_a_pipeline_are_limited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(tmp_path, monkeypatch, model_fn="def model_fn(model_dir):\n    bytes(b'1' * (400 << 20))\n    return 2")
    assert main(["test-handler", "--pipeline", "p.json"]) == 0
    assert main(["test-handler", "--pipeline", "p.json", "--memory", "200Mi"]) == 2
    pipeline(tmp_path / "slow", monkeypatch, predict_fn=body("time.sleep(30)"))
    capsys.readouterr()
    assert main(["test-handler", "--pipeline", "p.json", "--timeout", "2"]) != 0
    assert "the time for the whole test is over" in "".join(capsys.readouterr())


@pytest.mark.parametrize("wrong", [["--output", "sarif"], ["--memory", "much"], ["--timeout", "1e9"], ["--server"]])
def test_what_a_pipeline_does_not_have_is_one_line(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(tmp_path, monkeypatch)
    assert main(["test-handler", "--pipeline", "p.json", *wrong]) == 1
    found = capsys.readouterr()
    assert (found.out, len(found.err.splitlines())) == ("", 1)
    assert wrong[0] in found.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dag": {"nodes": ["write", "serve"], "edges": [["write", "serve"], ["serve", "write"]]}}, "cycle"),
        ({"dag": {"nodes": ["write", "serve", "more"], "edges": []}}, "more has neither a script nor a handler"),
        ({"dag": {"nodes": ["write", "serve"], "edges": [["write", "mars"]]}}, "mars, which is no node"),
        ({"dag": 7}, "dag"),
        ({"colour": "red"}, "colour"),
        ({"inference_handlers": {}}, "serve has neither"),
    ],
)
def test_a_pipeline_that_is_none_is_one_line(
    tmp_path: Path,
    change: dict[str, object],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples(code_package(tmp_path / "good"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "write.py").write_text("")
    (tmp_path / "p.json").write_text(json.dumps({**PIPELINE, **change}))
    assert main(["test-handler", "--pipeline", "p.json"]) == 1
    found = capsys.readouterr()
    assert found.err.startswith("error: ")
    assert said in found.err
    assert len(found.err.splitlines()) == 1
