"""The whole test of a handler: when it stops, what its verdict is, and that the model is loaded once for all tests."""

from pathlib import Path

from handler_code import code_package

from slipway_steps.domain.handler import Fault, InferenceHandlerSpec, Place
from slipway_steps.domain.pipeline_testing import ScriptExecutionSpec
from slipway_steps.domain.verdict import Verdict
from slipway_steps.handlers import (
    open_handler,
    test_inference_function,
    test_inference_pipeline,
    test_script_to_inference_compatibility,
)
from slipway_steps.handlers.pipeline import unique


def spec_of(package: Path, payload: str | None = "[1, 2]") -> InferenceHandlerSpec:
    if payload is not None:
        (package / "payloads").mkdir()
        (package / "payloads" / "one.json").write_text(payload)
    return InferenceHandlerSpec.create_default("doubler", "Registration", package)


def test_the_model_is_loaded_once_for_all_tests(tmp_path: Path) -> None:
    spec = spec_of(code_package(tmp_path / "package"))
    (tmp_path / "script.py").write_text(
        "def main(output_paths):\n    open(output_paths['rows'], 'w').write('[3, 4]')\n"
    )
    script = ScriptExecutionSpec(
        script_name="rows", script_path=tmp_path / "script.py", output_paths={"rows": "out/rows.json"}
    )
    with open_handler(spec, tmp_path / "store") as session:
        (called,) = test_inference_function(spec, "predict_fn", session=session)
        result = test_inference_pipeline(spec, session=session, quick=True)
        assert test_script_to_inference_compatibility(script, spec, session=session).compatible
        assert session.worker.loads == 1
    assert called.success
    assert called.peak_bytes > 10 * 2**20
    assert (result.verdict, result.model_loads, result.errors) == (Verdict.PASS, 1, [])
    assert {one.accept for one in result.end_to_end_results} == {"application/json", "text/csv"}


def test_without_a_handler_it_passes_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "model.onnx").write_bytes(b"model")
    result = test_inference_pipeline(spec_of(tmp_path / "package", None), store=tmp_path / "store")
    assert result.verdict is Verdict.PASS
    assert [note.partition(":")[0] for note in result.notes] == ["no-handler"]
    assert result.model_fn_result is None


def test_without_samples_nothing_is_known(tmp_path: Path) -> None:
    result = test_inference_pipeline(spec_of(code_package(tmp_path / "package"), None), store=tmp_path / "store")
    assert (result.verdict, result.overall_success) == (Verdict.INCONCLUSIVE, False)
    assert result.errors[0].startswith("no samples")


def test_what_the_files_show_is_enough_to_stop(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn="def predict_fn(data, model:\n    return data")
    result = test_inference_pipeline(spec_of(package), store=tmp_path / "store")
    assert [one.code for one in result.rejections] == ["syntax"]
    assert result.model_loads == 0, "nothing of it ran"


def test_a_fault_is_told_once_for_each_place() -> None:
    place = Place(file="code/inference.py", line=3)
    remark, fault = Fault(code="charset", message="r"), Fault(code="row-count", message="1", place=place)
    assert unique([remark, fault, Fault(code="row-count", message="2", place=place)]) == [fault, remark]
