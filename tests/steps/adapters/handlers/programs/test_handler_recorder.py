"""The toolkit's Transformer with a record of the calls, and exceptions as plain values."""

import json
from typing import Any

import pytest
from handler_programs import standalone

recorder = standalone("handler_recorder")
CODE = "/w/package/code"


def defined(text: str, name: str, file: str = "inference.py") -> Any:
    """A function of a handler's file."""
    found: dict[str, Any] = {}
    exec(compile(text, f"{CODE}/{file}", "exec"), found)
    return found[name]


def raised(text: str) -> dict[str, Any]:
    """What is told of the exception that a function `f` raises."""
    with pytest.raises(BaseException) as caught:
        defined(text, "f")()
    told: dict[str, Any] = recorder.described(caught.value, CODE)
    assert json.loads(json.dumps(told)) == told
    return told


def test_calls_have_the_names_of_their_functions_and_the_types_of_their_results() -> None:
    transformer = recorder.RecordingTransformer(CODE)
    transformer._input_fn = lambda data, kind: [data]
    transformer._output_fn = lambda data, accept: (data, accept)
    transformer._run_handler_function(transformer._input_fn, "1", "text/csv")
    transformer._run_handler_function(transformer._output_fn, 1, "text/csv")
    transformer._run_handler_function(defined("def other(a): return None", "other"), 1)
    calls, error = transformer.take()
    assert [(name, kind) for name, _, _, kind in calls] == [
        ("input_fn", "list"),
        ("output_fn", "tuple(int, str)"),
        ("other", "NoneType"),
    ]
    assert error is None
    assert transformer.take() == ([], None), "what was taken is gone"


def test_memory_is_measured_where_it_is_asked_for() -> None:
    transformer = recorder.RecordingTransformer(CODE)
    transformer._input_fn = lambda data, kind: len(bytes(30 << 20))
    for measured in (False, True):
        transformer.measured = measured
        transformer._run_handler_function(transformer._input_fn, "1", "text/csv")
    (_, _, without, _), (_, _, peak, _) = transformer.take()[0]
    assert without == 0
    assert peak > 30 << 20


def test_the_innermost_function_that_failed_is_the_one_at_fault() -> None:
    transformer = recorder.RecordingTransformer(CODE)
    transformer._predict_fn = defined("def predict_fn(a, b):\n    raise KeyError(a)", "predict_fn")
    transformer._transform_fn = lambda a, b: transformer._run_handler_function(transformer._predict_fn, a, b)
    with pytest.raises(KeyError):
        transformer._run_handler_function(transformer._transform_fn, 1, 2)
    calls, error = transformer.take()
    assert [call[0] for call in calls] == ["predict_fn", "transform_fn"]
    assert error["function"] == "predict_fn"
    assert error["places"] == [{"file": "inference.py", "line": 2, "function": "predict_fn"}]


def test_only_places_in_the_code_are_told() -> None:
    told = raised("import json\ndef f():\n    json.loads('{')")
    assert (told["type"], told["places"]) == (
        "JSONDecodeError",
        [{"file": "inference.py", "line": 3, "function": "f"}],
    )
    assert "ValueError" in told["bases"]


def test_the_exceptions_behind_an_exception_are_told_and_not_without_end() -> None:
    told = raised(
        "def f():\n    try:\n        1 / 0\n    except Exception as e:\n        raise ValueError('no') from e"
    )
    assert told["cause"]["type"] == "ZeroDivisionError"
    deep = raised("def f(n=20):\n    try:\n        n and f(n - 1)\n    finally:\n        raise KeyError(n)")
    depth = 0
    while "cause" in deep:
        deep, depth = deep["cause"], depth + 1
    assert depth == recorder.CAUSES


def test_what_exceptions_know_is_told() -> None:
    assert raised("def f():\n    import no_such_module")["module"] == "no_such_module"
    assert raised("def f():\n    open('/no/such/file')")["filename"] == "/no/such/file"
    assert raised("class E(Exception):\n    status_code = '400'\ndef f():\n    raise E()")["status_type"] == "str"
    unprintable = "class E(Exception):\n    def __str__(self):\n        raise KeyError(1)\ndef f():\n    raise E()"
    assert raised(unprintable)["message"] == "its text cannot be made: KeyError"


def test_a_syntax_error_has_its_own_line() -> None:
    told = raised(f"def f():\n    compile('x = 1\\nx x', {CODE + '/helper.py'!r}, 'exec')")
    assert told["places"][-1] == {"file": "helper.py", "line": 2, "function": ""}
