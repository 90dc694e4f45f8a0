"""Repeats a failed request with its functions called in another way, to find out what they expect."""

from __future__ import annotations

from typing import Any

TEXT = ("application/json", "text/csv")
"""The content types that the toolkit decodes; all other bodies arrive as bytes."""
MISUSED = (TypeError, AttributeError, LookupError)
"""What Python raises where a value is used as what it is not."""


def what_works(transformer: Any, body: bytes, request: dict[str, Any]) -> list[str]:
    """What makes a request work that fails: "form" where the body as bytes instead of text, or the other way round, is
    read; the name of a function that works with its two arguments in the other order.
    """
    try:
        return _what_works(transformer, body, request)
    finally:
        transformer.take()  # these calls belong to no request


def _what_works(transformer: Any, body: bytes, request: dict[str, Any]) -> list[str]:
    kind, accept = request["content_type"], request.get("accept") or "application/json"
    call = transformer._run_handler_function
    try:
        given: Any = body.decode() if kind in TEXT else body
        other: Any = bytearray(body) if kind in TEXT else body.decode("utf-8", "replace")
    except UnicodeDecodeError:
        given = other = body
    if transformer._transform_fn != transformer._default_transform_fn:
        works = other is not given and _works(call, transformer._transform_fn, transformer._model, other, kind, accept)
        return ["form"] if works else []
    value, error = _outcome(call, transformer._input_fn, given, kind)
    if error is not None:
        if other is not given and _works(call, transformer._input_fn, other, kind):
            return ["form"]
        return ["input_fn"] if _swapped(call, error, transformer._input_fn, kind, given) else []
    prediction, error = _outcome(call, transformer._predict_fn, value, transformer._model)
    if error is not None:
        return ["predict_fn"] if _swapped(call, error, transformer._predict_fn, transformer._model, value) else []
    _, error = _outcome(call, transformer._output_fn, prediction, accept)
    return ["output_fn"] if error and _swapped(call, error, transformer._output_fn, accept, prediction) else []


def _outcome(call: Any, function: Any, *arguments: Any) -> tuple[Any, Exception | None]:
    try:
        return call(function, *arguments), None
    except Exception as error:
        return None, error


def _works(call: Any, function: Any, *arguments: Any) -> bool:
    value, error = _outcome(call, function, *arguments)
    return error is None and value is not None


def _swapped(call: Any, error: BaseException, function: Any, *arguments: Any) -> bool:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MISUSED):
            return _works(call, function, *arguments)
        found = found.__cause__ or found.__context__
    return False
