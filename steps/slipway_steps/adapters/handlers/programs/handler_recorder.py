"""The toolkit's Transformer, with a record of each call of a handler's function. Nothing else is changed."""

from __future__ import annotations

import time
import traceback
from typing import Any

import handler_watch
from sagemaker_inference.transformer import Transformer

NAMES = ("pre_model_fn", "model_fn", "model_warmup_fn", "transform_fn", "input_fn", "predict_fn", "output_fn")


CAUSES = 5
"""How many exceptions behind an exception are told, each the one in whose handling the next was raised."""


def described(error: BaseException, code: str, depth: int = 0) -> dict[str, Any]:
    """An exception as plain values: its type, its text, the places of its traceback inside the directory `code`, and
    the exception behind it.
    """
    places: list[dict[str, Any]] = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(code):
            places.append({"file": frame.filename[len(code) + 1 :], "line": frame.lineno, "function": frame.name})
    if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(code):
        places.append({"file": error.filename[len(code) + 1 :], "line": error.lineno or 1, "function": ""})
    found: dict[str, Any] = {"type": type(error).__name__, "message": _text(error)[:2000], "places": places}
    found["bases"] = [base.__name__ for base in type(error).__mro__[1:-1]]
    if hasattr(error, "status_code"):
        found["status_type"] = type(error.status_code).__name__
    if isinstance(error, ImportError):
        found["module"] = error.name or ""
    if isinstance(error, OSError):
        found["filename"] = str(error.filename or "")
    below = error.__cause__ or error.__context__
    if below is not None and below is not error and depth < CAUSES:
        found["cause"] = described(below, code, depth + 1)
    return found


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:
        return f"its text cannot be made: {type(second).__name__}"


class RecordingTransformer(Transformer):  # type: ignore[misc]  # the toolkit has no types
    """Records the calls since `calls` was last emptied, and the error that a function raised last."""

    def __init__(self, code: str, default_handler: Any = None) -> None:
        super().__init__(default_handler)
        self.code, self.measured = code, False
        self.calls: list[tuple[str, float, int, str]] = []
        self.error: tuple[str, BaseException] | None = None

    def name_of(self, function: Any) -> str:
        """The handler's name of a function, such as "predict_fn"."""
        for name in NAMES:
            if getattr(self, "_" + name) is function:
                return name
        return str(getattr(function, "__name__", function))

    def _run_handler_function(self, func: Any, *argv: Any) -> Any:
        name, failed = self.name_of(func), True
        if self.measured:
            handler_watch.reset_peak()
        started = time.perf_counter()
        try:
            result = super()._run_handler_function(func, *argv)
            failed = False
        except BaseException as error:
            if self.error is None or self.error[1] is not error:
                self.error = (name, error)
            raise
        finally:
            seconds = time.perf_counter() - started
            peak = handler_watch.peak() if self.measured else 0
            kind = "" if failed else _kind(result)
            self.calls.append((name, seconds, peak, kind))
        return result

    def take(self) -> tuple[list[tuple[str, float, int, str]], dict[str, Any] | None]:
        """The calls and the error since the last time, as plain values."""
        calls, self.calls = self.calls, []
        error, self.error = self.error, None
        return calls, {"function": error[0], **described(error[1], self.code)} if error else None


def _kind(value: object) -> str:
    """The type of a value; of a tuple also the types of its members, which decide how the server reads it."""
    if isinstance(value, tuple):
        return f"tuple({', '.join(type(member).__name__ for member in value[:4])})"
    return type(value).__name__
