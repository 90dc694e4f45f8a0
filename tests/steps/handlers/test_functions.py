"""The calls of single functions, as a test reports them."""

from pathlib import Path

import pytest
from handler_code import code_package

from slipway_steps.adapters.handlers.answer import Answer, Call, Death, HandlerError, Loaded
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.handlers import open_handler
from slipway_steps.handlers.functions import load_call, request_calls
from slipway_steps.handlers.functions import test_inference_function as call_function


def spec_of(package: Path) -> InferenceHandlerSpec:
    (package / "payloads" / "negative").mkdir(parents=True)
    (package / "payloads" / "one.json").write_text("[1, 2]")
    (package / "payloads" / "negative" / "bad.json").write_text("{")
    return InferenceHandlerSpec.create_default("doubler", "Registration", package)


def test_the_load_is_the_call_of_model_fn() -> None:
    calls = (Call("model_fn", 0.25, 7, "dict"), Call("model_warmup_fn", 0.5, 9, "NoneType"))
    call = load_call(Loaded(True, 1.0, "dict", calls))
    assert (call.function, call.success, call.seconds, call.peak_bytes, call.error) == ("model_fn", True, 0.25, 7, "")
    failed = load_call(Loaded(False, 1.0, error=HandlerError("", "ImportError", "no engine")))
    assert (failed.success, failed.seconds, failed.error) == (False, 1.0, "ImportError: no engine")
    dead = load_call(Loaded(False, 1.0, death=Death("memory", "killed above 1 MiB")))
    assert (dead.success, dead.error) == (False, "killed above 1 MiB")


def test_of_a_request_only_the_function_that_raised_failed() -> None:
    calls = (Call("input_fn", 0.1, 0, "list"), Call("predict_fn", 0.2, 0, ""))
    answer = Answer("1", 500, None, b"", calls=calls, error=HandlerError("predict_fn", "KeyError", "1"))
    told = request_calls(answer, "one", "text/csv")
    assert [(one.function, one.sample, one.accept, one.success) for one in told] == [
        ("input_fn", "one", "text/csv", True),
        ("predict_fn", "one", "text/csv", False),
    ]


def test_each_function_is_called_for_valid_samples_alone(tmp_path: Path) -> None:
    spec = spec_of(code_package(tmp_path / "package"))
    with open_handler(spec, tmp_path / "store") as session:
        told = {name: call_function(spec, name, session=session) for name in ("model_fn", "input_fn", "output_fn")}
    assert {name: len(calls) for name, calls in told.items()} == {"model_fn": 1, "input_fn": 1, "output_fn": 2}
    assert all(one.success and one.sample in ("", "one.json") for calls in told.values() for one in calls)
    assert {one.accept for one in told["output_fn"]} == {"application/json", "text/csv"}


def test_without_a_model_nothing_is_reached(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", model_fn="def model_fn(model_dir):\n    raise KeyError('weights')")
    (call,) = call_function(spec_of(package), "predict_fn", store=tmp_path / "store")
    assert (call.success, call.not_reached, call.sample) == (False, True, "one.json")


def test_another_name_is_refused_before_anything_is_started() -> None:
    spec = InferenceHandlerSpec.create_default("h", "s", "no-such-package")
    with pytest.raises(BadInput, match=r"'serve_fn' is no function of a handler .*known: model_fn"):
        call_function(spec, "serve_fn")
