"""What is tested: names and defaults of the specs, and which values they refuse."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from slipway_steps.domain.handler import InferenceHandlerSpec, InferenceTestResult, InferenceTestSample
from slipway_steps.domain.pipeline_testing import (
    InferencePipelineTestingSpec,
    PipelineDAG,
    PipelineTestingSpec,
    flows,
)

SPEC: dict[str, Any] = {"handler_name": "digits", "step_name": "Registration", "packaged_model_path": "model.tar.gz"}


def test_the_defaults_of_a_spec() -> None:
    spec = InferenceHandlerSpec.create_default("digits", "Registration", "model.tar.gz", "payloads/")
    assert spec == InferenceHandlerSpec(**SPEC, payload_samples_path=Path("payloads"))
    assert spec.supported_content_types == spec.supported_accept_types == ["application/json", "text/csv"]
    assert (spec.model_paths, spec.code_paths, spec.data_paths) == ({}, {}, {})
    assert (spec.workers, spec.memory_bytes, spec.timeout, spec.request_timeout) == (1, 2 * 1024**3, 600.0, 60.0)
    assert InferenceHandlerSpec.create_default("d", "s", Path("m")).payload_samples_path is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"handler_name": ""},
        {"workers": 0},
        {"workers": 17},
        {"memory_bytes": 0},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"request_timeout": float("inf")},
        {"supported_accept_types": []},
        {"supported_content_types": []},
        {"colour": "red"},
    ],
)
def test_a_spec_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InferenceHandlerSpec(**{**SPEC, **wrong})


def test_a_sample_is_expected_to_succeed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[1]")
    sample = InferenceTestSample(sample_name="a", content_type="application/json", path=tmp_path / "a.json")
    assert (sample.should_succeed, sample.error_pattern, sample.accept, sample.data) == (True, None, "", b"[1]")
    with pytest.raises(ValidationError, match="not a regular expression"):
        InferenceTestSample(sample_name="a", content_type="", path=tmp_path, error_pattern="(")


def test_a_result_has_a_place_for_each_function() -> None:
    names = {"model_fn_result", "input_fn_results", "predict_fn_results", "output_fn_results", "end_to_end_results"}
    assert names | {"handler_name", "overall_success", "total_execution_time", "errors"} <= set(
        InferenceTestResult.model_fields
    )


def test_a_pipeline_with_handlers_is_a_pipeline() -> None:
    spec = InferencePipelineTestingSpec(dag=PipelineDAG(nodes=["serve"]))
    assert isinstance(spec, PipelineTestingSpec)
    assert (spec.script_specs, spec.inference_handlers) == ({}, {})


@pytest.mark.parametrize(
    ("outputs", "inputs", "wanted"),
    [
        (["a", "b"], ["b", "a"], {"a": "a", "b": "b"}),
        (["rows"], ["data"], {"data": "rows"}),
        (["a", "rows"], ["a", "data"], {"a": "a", "data": "rows"}),
        (["x", "y"], ["data"], {}),
        (["x"], ["data", "more"], {}),
        ([], ["data"], {}),
        (["x"], [], {}),
    ],
)
def test_outputs_become_inputs_by_name_and_the_last_one_by_what_is_left(
    outputs: list[str], inputs: list[str], wanted: dict[str, str]
) -> None:
    assert flows(outputs, inputs) == wanted
