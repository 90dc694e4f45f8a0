"""Whether a handler can read what a script writes."""

from pathlib import Path
from typing import Any

import pytest
from handler_code import MIB, body, code_package

from slipway_steps.domain.handler import CSV, JSON, NPY, InferenceHandlerSpec
from slipway_steps.domain.pipeline_testing import CompatibilityResult, ScriptExecutionSpec
from slipway_steps.handlers import open_handler, test_inference_function, test_script_to_inference_compatibility

INPUT = """
def input_fn(data, content_type):
    if content_type == "text/csv":
        return [float(line.split(",")[0]) for line in data.splitlines()]
    if content_type == "application/json":
        return json.loads(data)
    import io, numpy
    return numpy.load(io.BytesIO(data)).tolist()
"""
WRITE = "def main(input_paths, output_paths):\n    open(output_paths['rows'], 'w').write('''{text}''')\n"
ALL = """
import json, os, numpy
def main(input_paths, output_paths):
    at = output_paths["data"]
    open(at + "/a.csv", "w").write("1,2\\n3,4\\n")
    open(at + "/b.json", "w").write("[1, 2, 3]")
    numpy.save(at + "/c.npy", numpy.arange(4.0))
    open(at + "/d.log", "w").write("no request")
    os.makedirs(at + "/deep")
    open(at + "/deep/e.parquet", "w").write("no parquet")
"""


def script(directory: Path, source: str, **outputs: str) -> ScriptExecutionSpec:
    path = directory / "script.py"
    path.write_text(source)
    return ScriptExecutionSpec(script_name="prepare", script_path=path, output_paths=outputs or {"rows": "rows.csv"})


def result(directory: Path, spec: ScriptExecutionSpec, given: dict[str, Any], **parts: str) -> CompatibilityResult:
    package = code_package(directory / "package", **{"input_fn": INPUT, **parts})
    handler = InferenceHandlerSpec(handler_name="h", step_name="s", packaged_model_path=package, **given)
    return test_script_to_inference_compatibility(spec, handler, store=directory / "store")


def test_all_content_types_are_reported_whichever_of_them_fails(tmp_path: Path) -> None:
    found = result(tmp_path, script(tmp_path, ALL, data="out/data"), {})
    told = {one.file: (one.content_type, one.compatible, one.rows_sent, one.rows_answered) for one in found.outputs}
    assert told == {
        "a.csv": (CSV, True, 2, 2),
        "b.json": (JSON, True, 3, 3),
        "c.npy": (NPY, True, 4, 4),
        "e.parquet": ("application/x-parquet", False, None, None),
    }
    assert not found.compatible
    assert [one.split(":")[0] for one in found.errors] == ["e.parquet"]


def test_a_row_that_gets_lost_is_told(tmp_path: Path) -> None:
    spec = script(tmp_path, WRITE.format(text="1\\n2\\n3\\n"))
    found = result(tmp_path, spec, {}, predict_fn=body("return data[1:]"))
    assert found.errors == ["rows.csv: 3 rows were sent and 2 came back"]
    assert found.outputs[0].status == 200


def test_a_handler_that_answers_csv_alone_is_compatible(tmp_path: Path) -> None:
    output = (
        "def output_fn(data, accept):\n    assert accept == 'text/csv'\n    return '\\n'.join(map(str, data)), accept"
    )
    found = result(tmp_path, script(tmp_path, WRITE.format(text="1\\n2\\n")), {}, output_fn=output)
    assert found.compatible, found.errors


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise SystemExit('no data')", "failed: it ended with exit code 1: no data"),
        ("import time; time.sleep(60)", "failed: it did not end within"),
        ("x = bytearray(900 << 20)\nimport time; time.sleep(1)", "failed: it was killed above 200 MiB"),
        ("pass", "wrote no file that can be a request"),
        (WRITE.format(text=""), "rows.csv"),
        (WRITE.format(text="not, a number"), "rows.csv: sample-fails"),
        (WRITE.format(text="666"), "rows.csv: exit"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, source: str, said: str) -> None:
    kill = body("if data == [666]: os._exit(1)", "if not data: raise ValueError('no rows')")
    limits = {"timeout": 4.0 if "sleep(60)" in source else 60.0, "memory_bytes": 200 * MIB}
    found = result(tmp_path, script(tmp_path, source), limits, predict_fn=kill)
    assert not found.compatible
    assert found.errors
    assert said in found.errors[0]


def test_the_model_of_a_session_is_loaded_once_for_all_tests(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", input_fn=INPUT)
    handler = InferenceHandlerSpec.create_default("h", "s", package)
    spec = script(tmp_path, WRITE.format(text="1\\n2\\n"))
    with open_handler(handler, tmp_path / "store") as session:
        assert [one.success for one in test_inference_function(handler, "model_fn", session=session)] == [True]
        assert test_script_to_inference_compatibility(spec, handler, session=session).compatible
        assert test_script_to_inference_compatibility(spec, handler, session=session).compatible
        assert session.worker.loads == 1
