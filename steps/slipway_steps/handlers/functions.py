"""Each function of a handler alone, for every sample and accept type."""

from collections.abc import Sequence
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Answer, FunctionAnswer, Loaded
from slipway_steps.adapters.handlers.worker import HandlerWorker
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import FUNCTIONS, FunctionCall, InferenceHandlerSpec, InferenceTestSample
from slipway_steps.handlers.session import HandlerSession, open_handler


def load_call(loaded: Loaded) -> FunctionCall:
    """The call of model_fn by the load."""
    call = next((one for one in loaded.calls if one.function == "model_fn"), None)
    error = _said(loaded.error.type, loaded.error.message) if loaded.error else ""
    return FunctionCall(
        function="model_fn",
        success=loaded.loaded,
        seconds=call.seconds if call else loaded.seconds,
        peak_bytes=call.peak if call else 0,
        result_type=loaded.model_type,
        error=error or (loaded.death.detail if loaded.death else ""),
    )


def _said(kind: str, message: str) -> str:
    return f"{kind}: {message}"[:500]


def alone(worker: HandlerWorker, samples: Sequence[InferenceTestSample], accepts: Sequence[str]) -> list[FunctionCall]:
    """Call input_fn, predict_fn and output_fn alone. [] where the handler has a transform_fn instead.

    A function whose predecessor failed for a sample takes what another sample led to, else it is not reached.
    """
    told = [
        {
            "name": one.sample_name,
            "path": str(one.path.absolute()),
            "content_type": one.content_type,
            "accept": one.accept,
        }
        for one in samples
    ]
    return [_call(answer) for answer in worker.functions(told, accepts)]


def _call(answer: FunctionAnswer) -> FunctionCall:
    error = _said(answer.error.type, answer.error.message) if answer.error else ""
    return FunctionCall(
        function=answer.function,
        sample=answer.sample,
        accept=answer.accept,
        success=answer.success,
        seconds=answer.seconds,
        peak_bytes=answer.peak,
        result_type=answer.result_type,
        error=error or (answer.death.detail if answer.death else ""),
        not_reached=answer.not_reached,
    )


def request_calls(answer: Answer, sample: str, accept: str) -> list[FunctionCall]:
    """The calls of functions that one whole request made. The last one failed if the request did."""
    failed = answer.error.function if answer.error else ""
    return [
        FunctionCall(
            function=call.function,
            sample=sample,
            accept=accept,
            success=call.function != failed,
            seconds=call.seconds,
            result_type=call.result_type,
        )
        for call in answer.calls
    ]


def test_inference_function(
    spec: InferenceHandlerSpec, function_name: str, *, store: Path | None = None, session: HandlerSession | None = None
) -> list[FunctionCall]:
    """Call one function of a handler alone, for every sample, and output_fn for every accept type.

    What it is given comes from the functions before it. Raises BadInput for another name, and for a handler that cannot
    be started.
    """
    if function_name not in FUNCTIONS:
        raise BadInput(f"{function_name!r} is no function of a handler", f"known: {', '.join(FUNCTIONS)}")
    if session is not None:
        return _called(session, function_name)
    with open_handler(spec, store) as opened:
        return _called(opened, function_name)


test_inference_function.__test__ = False  # type: ignore[attr-defined]  # for pytest


def _called(session: HandlerSession, name: str) -> list[FunctionCall]:
    loaded = session.load()
    if name == "model_fn":
        return [load_call(loaded)]
    positive = [one for one in session.samples if one.should_succeed]
    if not loaded.loaded:
        return [
            FunctionCall(function=name, sample=one.sample_name, success=False, not_reached=True) for one in positive
        ]
    calls = alone(session.worker, positive, session.spec.supported_accept_types)
    return [one for one in calls if one.function == name]
