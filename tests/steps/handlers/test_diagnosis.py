"""The faults behind requests that failed."""

from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.handlers.answer import Answer, Call, Death, HandlerError
from slipway_steps.handlers.diagnosis import Failure
from slipway_steps.handlers.source import Source, read_source

HANDLER = """def model_fn(model_dir):
    return 1
def input_fn(data, content_type):
    return 1
def predict_fn(data, *model):
    return 1
def output_fn(prediction, accept):
    return 1
"""


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(HANDLER)
    return read_source(tmp_path)


def failed(error: HandlerError | None = None, made: str = "str", status: int = 500, **more: Any) -> Answer:
    return Answer("1", status, None, b"", error=error, calls=(Call("output_fn", 0.1, 0, made),), **more)


def raised(function: str, kind: str, message: str, line: int = 0, **more: Any) -> HandlerError:
    return HandlerError(function, kind, message, (("inference.py", line, function),) if line else (), **more)


BYTES = raised("input_fn", "TypeError", "initial_value must be str or None, not bytearray", 4)
CASES = [
    (failed(raised("input_fn", "AttributeError", "'str' object has no attribute 'decode'", 4)), "bytes-expected", 4),
    (failed(raised("input_fn", "Refused", "(400, 'no')", 3, cause=BYTES)), "bytes-expected", 4),
    (failed(raised("input_fn", "FileNotFoundError", "no such file: '1,2'", 4)), "bytes-expected", 4),
    (failed(raised("input_fn", "ValueError", "unsupported content type a/b", 4)), "type-refused", 4),
    (failed(raised("output_fn", "UnsupportedFormatError", "Content type a/b is not supported")), "type-refused", 7),
    (
        failed(raised("predict_fn", "ModuleNotFoundError", "No module named 'a'", 6, bases=("ImportError",))),
        "import-missing",
        6,
    ),
    (failed(raised("predict_fn", "_ArrayMemoryError", "no", 6, bases=("MemoryError",))), "memory", 6),
    (failed(raised("predict_fn", "FileNotFoundError", "no", 6, filename="/w/a.npz")), "model-missing", 6),
    (failed(raised("predict_fn", "FileNotFoundError", "no", 6, filename="/opt/ml/model/a")), "fixed-path", 6),
    (failed(raised("predict_fn", "OSError", "[Errno 101] Network is unreachable", 6)), "downloads", 6),
    (failed(raised("predict_fn", "TypeError", "f() takes 2 positional arguments but 3 were given", 6)), "var-args", 6),
    (failed(raised("output_fn", "TypeError", "output_fn takes 4 arguments but 2 were given.")), "arity", 7),
    (failed(raised("output_fn", "TypeError", "3 is not a callable object")), "not-callable", 7),
    (
        failed(raised("predict_fn", "NotImplementedError", "Please provide a predict_fn implementation.")),
        "no-predict-fn",
        5,
    ),
    (
        failed(raised("output_fn", "TypeError", "Object of type ndarray is not JSON serializable", 8)),
        "not-serializable",
        8,
    ),
    (failed(raised("output_fn", "TypeError", "Object of type coroutine is not JSON serializable", 8)), "async", 8),
    (failed(raised("output_fn", "ValueError", "Out of range float values are not JSON compliant", 8)), "not-json", 8),
    (failed(raised("predict_fn", "ValueError", "boo", 6)), "sample-fails", 6),
    (failed(made="tuple(str)"), "one-tuple", 8),
    (failed(made="ndarray", status=503), "not-serializable", 8),
    (failed(made="coroutine", status=503), "async", 8),
    (failed(status=413), "too-large", None),
    (failed(lost="the answer has a part of 7 bytes; the front end reads at most 6"), "too-large", 8),
    (failed(made="tuple(str, int)", lost="TypeError"), "content-type-not-text", 8),
    (failed(lost="UnicodeError"), "content-type-not-text", 8),
    (failed(raised("input_fn", "ValueError", "ä", 4), lost="a length"), "non-ascii-error", 4),
    (failed(raised("input_fn", "Refused", "a", 4, status_type="str"), lost="a length"), "status-not-number", 4),
    (failed(lost="sys.stdout or sys.stderr was replaced"), "output-replaced", 7),
    (failed(no_answer="no client reads the status 99", status=0), "no-answer", 8),
    (failed(connections=("a:1",)), "downloads", 7),
    (failed(death=Death("timeout", "no answer within 1 s")), "timeout", 7),
]


@pytest.mark.parametrize(
    ("answer", "code", "line"), CASES, ids=[f"{number}-{case[1]}" for number, case in enumerate(CASES)]
)
def test_a_failure_is_named(source: Source, answer: Answer, code: str, line: int | None) -> None:
    fault = Failure(answer, "one.json", "application/json", source).name()
    assert fault.code == code
    assert (fault.place.line if fault.place else None) == line
    assert (fault.sample, fault.accept) == ("one.json", "application/json")


@pytest.mark.parametrize(("works", "code"), [("form", "bytes-expected"), ("predict_fn", "swapped-arguments")])
def test_what_works_instead_is_asked_where_the_error_tells_too_little(source: Source, works: str, code: str) -> None:
    asked = []

    def retry() -> list[str]:
        asked.append(works)
        return [works]

    answer = failed(raised("predict_fn", "TypeError", "boo", 6))
    assert Failure(answer, "a", "", source, retry).name().code == code
    Failure(failed(BYTES), "a", "", source, retry).name()
    assert asked == [works]


def test_a_death_without_a_line_is_placed_at_the_function_that_predicts(source: Source) -> None:
    answer = Answer("1", 500, None, b"", death=Death("memory", "killed"))
    fault = Failure(answer, "a", "", source).name()
    assert (fault.code, fault.place.line if fault.place else None) == ("memory", 5)
