"""The signatures of a handler's functions, as the toolkit counts them."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.handlers import programs
from slipway_steps.handlers.signatures import signature_faults
from slipway_steps.handlers.source import Source

sys.path.append(str(Path(programs.__file__).parent))
import handler_describe

NOTHING = Source({}, {})


def codes(**functions: Any) -> list[str]:
    described = {name: handler_describe.signature(value, "/nowhere") for name, value in functions.items()}
    return [fault.code for fault in signature_faults(described, NOTHING)]


class Model:
    def __init__(self, model_dir: str) -> None:
        self.directory = model_dir

    def __call__(self, data: object, model: object) -> None: ...

    def predict(self, data: object, model: object, context: object) -> None: ...


class Waiting:
    async def __call__(self, data: object, model: object) -> None: ...


async def waiting(data: object, model: object) -> None: ...


def generator(data: object, model: object):
    yield data


def keywords(data: object, model: object, *, threshold: float) -> None: ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda data, model: 1, []),
        (lambda data, model, context: 1, []),
        (lambda data, model, _: 1, []),
        (lambda data, model, ctx=None: 1, []),
        (lambda *args: 1, ["var-args"]),
        (lambda *args, **kwargs: 1, []),
        (lambda data, *more: 1, []),
        (lambda data, model, **more: 1, ["var-args"]),
        (lambda data: 1, ["arity"]),
        (lambda data, model, context, more: 1, ["arity"]),
        (lambda data, model, threshold=0.5: 1, ["context-into-default"]),
        (lambda model, data: 1, ["swapped-arguments"]),
        (lambda a, b: 1, []),
        (keywords, ["arity"]),
        (partial(keywords, threshold=0.5), ["arity"]),
        (Model("a"), []),
        (Model("a").predict, []),
        (Model, ["arity"]),
        (Waiting(), ["async"]),
        (waiting, ["async"]),
        (partial(waiting), ["async"]),
        (generator, ["async"]),
        (max, ["not-callable"]),
        ({}, ["not-callable"]),
    ],
)
def test_predict_fn(function: Callable[..., object], expected: list[str]) -> None:
    assert codes(predict_fn=function) == expected


def test_a_class_may_be_model_fn() -> None:
    assert codes(model_fn=Model) == []


@pytest.mark.parametrize("name", ["prediction", "result", "data", "x"])
@pytest.mark.parametrize("kind", ["accept", "content_type", "response_content_type"])
def test_usual_names_of_output_fn(name: str, kind: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def right({name}, {kind}): pass\ndef wrong({kind}, {name}): pass", scope)
    assert codes(output_fn=scope["right"]) == []
    assert codes(output_fn=scope["wrong"]) == ["swapped-arguments"]


def test_transform_fn_stands_alone() -> None:
    def transform(model: object, data: object, content_type: str, accept: str) -> None: ...

    assert codes(transform_fn=transform) == []
    assert codes(transform_fn=transform, output_fn=lambda p, a: 1) == ["transform-conflict"]
