"""A failed request is repeated in other ways, to learn what the handler expects."""

from typing import Any

import pytest
from handler_programs import standalone

from slipway_steps.adapters.handlers.programs.handler_retry import what_works

recorder = standalone("handler_recorder")
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def works(body: bytes = b"[1]", kind: str = JSON, **functions: Any) -> list[str]:
    """What makes a request work, with a handler of these functions under the real toolkit."""
    transformer = recorder.RecordingTransformer("/code")
    transformer._input_fn = transformer._predict_fn = transformer._output_fn = lambda value, other: value
    transformer._transform_fn = transformer._default_transform_fn
    transformer._model = 3
    for name, function in functions.items():
        setattr(transformer, "_" + name, function)
    found: list[str] = what_works(transformer, body, {"content_type": kind, "accept": ""})
    assert transformer.take() == ([], None), "these calls belong to no request"
    return found


def test_a_request_that_works_has_no_other_way() -> None:
    assert works() == []


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (JSON, lambda data, kind: data.decode()),
        (CSV, lambda data, kind: data.decode()),
        (NPY, lambda data, kind: data.encode()),
    ],
)
def test_a_handler_that_expects_the_other_form(kind: str, read: Any) -> None:
    assert works(kind=kind, input_fn=read) == ["form"]
    assert works(kind=kind, transform_fn=lambda model, data, given, accept: read(data, given)) == ["form"]


def test_a_handler_that_refuses_both_forms_has_no_other_way() -> None:
    def refuse(*given: object) -> None:
        raise ValueError("no")

    assert works(input_fn=lambda data, kind: refuse()) == []
    assert works(transform_fn=lambda model, data, kind, accept: refuse()) == []


def test_bytes_that_are_no_text_are_tried_as_text_before_the_content_type_is() -> None:
    # the content type is text as well, so the other order would seem to work
    assert works(kind=NPY, body=b"\x931,2", input_fn=lambda data, kind: data.split(",")) == ["form"]
    assert works(kind=CSV, body=b"\xff", input_fn=lambda data, kind: 1 / 0) == [], "the toolkit cannot decode it"


@pytest.mark.parametrize(
    ("function", "swapped"),
    [
        ("input_fn", lambda kind, data: {JSON: data}[kind]),
        ("predict_fn", lambda model, data: model // 1 and data),
        ("output_fn", lambda accept, prediction: {JSON: prediction}[accept]),
    ],
)
def test_arguments_in_the_other_order_are_told_by_function(function: str, swapped: Any) -> None:
    assert works(**{function: swapped}) == [function]


def test_swapped_arguments_are_only_tried_where_a_value_was_misused() -> None:
    def predict(model: Any, data: Any) -> Any:
        if model != 3:
            raise error
        return data

    error: Exception = ValueError("the wrong shape")
    assert works(predict_fn=predict) == []
    error = ValueError("hidden")
    error.__cause__ = TypeError("'str' is no model")
    assert works(predict_fn=predict) == ["predict_fn"]
