"""What is told of a handler's functions and of its Python."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from slipway_steps.adapters.handlers.programs.handler_describe import missing, signature, version, versions

CODE = "/w/package/code"


def defined(text: str) -> Any:
    """What `predict_fn` is in a handler's file."""
    found: dict[str, Any] = {"functools": functools}
    exec(compile(text, f"{CODE}/deep/inference.py", "exec"), found)
    return found["predict_fn"]


def test_each_parameter_is_told_with_its_kind_and_whether_it_has_a_default() -> None:
    told = signature(defined("\ndef predict_fn(data, /, model=None, *rest, context, **more): pass"), CODE)
    assert told["parameters"] == [
        ["data", "POSITIONAL_ONLY", False],
        ["model", "POSITIONAL_OR_KEYWORD", True],
        ["rest", "VAR_POSITIONAL", False],
        ["context", "KEYWORD_ONLY", False],
        ["more", "VAR_KEYWORD", False],
    ]
    assert (told["callable"], told["type"], told["file"], told["line"]) == (True, "function", "deep/inference.py", 2)


DECORATED = """
def timed(function):
    @functools.wraps(function)
    def wrapper(*given): return function(*given)
    return wrapper
@timed
def predict_fn(data, model): pass
"""


@pytest.mark.parametrize(
    ("text", "line", "names"),
    [
        (DECORATED, 6, ["data", "model"]),
        (
            "def run(a, data, model): pass\npredict_fn = functools.partial(functools.partial(run, 1))",
            1,
            ["data", "model"],
        ),
        ("class Model:\n    def __call__(self, data, model): pass\npredict_fn = Model()", 2, ["data", "model"]),
        ("class predict_fn:\n    def __init__(self, data, model): pass", 2, ["data", "model"]),
    ],
)
def test_the_function_behind_a_callable_is_found(text: str, line: int, names: list[str]) -> None:
    told = signature(defined(text), CODE)
    assert (told["line"], [one[0] for one in told["parameters"]]) == (line, names)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("async def predict_fn(a, b): pass", (True, False)),
        ("async def predict_fn(a, b): yield 1", (True, False)),
        ("def predict_fn(a, b): yield 1", (False, True)),
        ("class M:\n    async def __call__(self, a, b): pass\npredict_fn = M()", (True, False)),
        ("def predict_fn(a, b): pass", (False, False)),
    ],
)
def test_coroutines_and_generators_are_told(text: str, kinds: tuple[bool, bool]) -> None:
    told = signature(defined(text), CODE)
    assert (told["async"], told["generator"]) == kinds


@pytest.mark.parametrize(("value", "is_callable"), [(3, False), (dict.fromkeys, True), (print, True)])
def test_what_is_defined_elsewhere_has_no_place(value: Any, is_callable: bool) -> None:
    told = signature(value, CODE)
    assert (told["callable"], told["file"], told["line"]) == (is_callable, "", 0)


@pytest.mark.parametrize("value", [3, type])
def test_what_has_no_signature_has_no_parameters(value: object) -> None:
    assert signature(value, CODE)["parameters"] is None


def test_modules_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_by_hand", object())
    asked = ["json", "no_such_module", "json.no.such", "made_by_hand", ""]
    assert missing(asked) == ["no_such_module", "json.no.such", ""]


@pytest.mark.parametrize("read", [lambda: versions()["sagemaker_inference"], lambda: version("sagemaker-inference")])
def test_the_version_of_the_toolkit_is_that_which_is_installed(read: Callable[[], str]) -> None:
    assert read() == "1.10.1"


def test_a_toolkit_that_comes_with_another_distribution_has_no_version_of_its_own() -> None:
    assert version("no-such-distribution") == "of another distribution"
    assert versions()["python"] == ".".join(map(str, sys.version_info[:3]))
