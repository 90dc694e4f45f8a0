"""The whole test of a handler: when it stops, what its verdict is, and that the model is loaded once for all tests."""

from pathlib import Path

import pytest
from handler_code import body, code_package

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import Fault, InferenceHandlerSpec, Place
from slipway_steps.domain.pipeline_testing import ScriptExecutionSpec
from slipway_steps.domain.verdict import Verdict
from slipway_steps.handlers import (
    open_handler,
    pipeline,
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


def test_negative_samples_alone_show_no_prediction(tmp_path: Path) -> None:
    package = code_package(
        tmp_path / "package", predict_fn="def predict_fn(data, model):\n    raise RuntimeError('never')"
    )
    (package / "payloads" / "negative").mkdir(parents=True)
    (package / "payloads" / "negative" / "bad.json").write_text("{")
    result = test_inference_pipeline(spec_of(package, None), store=tmp_path / "store")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "was never seen to predict" in result.errors[0]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("if calls() > 6: raise RuntimeError('pool exhausted')", "state-leak"),
        ("if calls() > 60: os._exit(1)", "exit"),
        ("assert len(data) > 1", "row-count"),
    ],
    ids=["fails later", "dies later", "one row fails"],
)
def test_what_no_sample_shows_rejects(tmp_path: Path, line: str, code: str) -> None:
    head = "import itertools, json, os\ncount = itertools.count()\ndef calls():\n    return next(count)"
    package = code_package(tmp_path / "package", head=head, predict_fn=body(line))
    result = test_inference_pipeline(spec_of(package, "[[1], [2], [3]]"), store=tmp_path / "store")
    assert [one.code for one in result.rejections] == [code]


@pytest.mark.parametrize(
    "answer",
    [
        '{"mean": [1, 2], "error": 0.05}',
        '{"predictions": [1, 2], "id": os.urandom(8).hex()}',
        '["error", "good"]',
    ],
    ids=["standard error", "id of the answer", "a class named error"],
)
def test_honest_answers_pass(tmp_path: Path, answer: str) -> None:
    output = f"def output_fn(prediction, accept):\n    return json.dumps({answer})"
    spec = spec_of(code_package(tmp_path / "package", output_fn=output))
    spec = spec.model_copy(update={"supported_accept_types": ["application/json"]})
    assert test_inference_pipeline(spec, store=tmp_path / "store", quick=True).rejections == []


def test_an_accept_type_that_nobody_promised_may_be_refused_with_406(tmp_path: Path) -> None:
    output = (
        "def output_fn(prediction, accept):\n    from sagemaker_inference.errors import BaseInferenceToolkitError\n"
        "    if accept != 'application/json':\n        raise BaseInferenceToolkitError(406, 'json only', 'json only')\n"
        "    return json.dumps(prediction)"
    )
    spec = spec_of(code_package(tmp_path / "package", output_fn=output))
    result = test_inference_pipeline(spec, store=tmp_path / "store", quick=True)
    assert (result.verdict, result.rejections) == (Verdict.PASS, [])
    assert "text/csv is not answered" in result.notes[0]
    promised = spec.model_copy(update={"supported_accept_types": ["application/json", "text/csv"]})
    rejected = test_inference_pipeline(promised, store=tmp_path / "store", quick=True)
    assert [one.code for one in rejected.rejections] == ["type-refused"]


@pytest.mark.parametrize("rejects", [False, True])
def test_a_function_above_its_budget_rejects_only_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rejects: bool
) -> None:
    monkeypatch.setitem(pipeline.BUDGETS, "predict_fn", (0.0, 1e-9))
    spec = spec_of(code_package(tmp_path / "package")).model_copy(update={"budgets_reject": rejects})
    result = test_inference_pipeline(spec, store=tmp_path / "store", quick=True)
    assert [(one.code, one.place.line) for one in result.rejections if one.place] == (
        [("over-budget", 6)] if rejects else []
    )


def test_an_empty_directory_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds nothing"):
        test_inference_pipeline(spec_of(tmp_path / "empty", None), store=tmp_path / "store")


def test_what_the_files_show_is_enough_to_stop(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn="def predict_fn(data, model:\n    return data")
    result = test_inference_pipeline(spec_of(package), store=tmp_path / "store")
    assert [one.code for one in result.rejections] == ["syntax"]
    assert result.model_loads == 0, "nothing of it ran"


def test_a_fault_is_told_once_for_each_place() -> None:
    place = Place(file="code/inference.py", line=3)
    remark, fault = Fault(code="charset", message="r"), Fault(code="row-count", message="1", place=place)
    assert unique([remark, fault, Fault(code="row-count", message="2", place=place)]) == [fault, remark]
