"""`slipway test-handler --pipeline`: a pipeline from a file, and one clear line for what is none."""

import json
from pathlib import Path

import pytest
from handler_code import code_package

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
