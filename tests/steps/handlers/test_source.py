"""Where the functions of a handler stand."""

from pathlib import Path

import pytest

from slipway_steps.handlers.probes import CHANCE
from slipway_steps.handlers.source import read_source


def source(directory: Path, **files: str):
    (directory / "code").mkdir()
    for name, text in files.items():
        (directory / "code" / f"{name}.py").write_text(text)
    return read_source(directory)


def test_the_last_definition_counts(tmp_path: Path) -> None:
    found = source(
        tmp_path, inference="def predict_fn(a, b):\n    return 1\ndef predict_fn(a, b):\n    pass\n    return 2\n"
    )
    assert (str(found.place_of("predict_fn")), str(found.place_of_return("predict_fn"))) == (
        "code/inference.py:3",
        "code/inference.py:5",
    )


@pytest.mark.parametrize("line", ["predict_fn = 3", "from numpy import sum as predict_fn", "class predict_fn: pass"])
def test_a_name_that_is_given_a_value_has_a_place(tmp_path: Path, line: str) -> None:
    found = source(tmp_path, inference=f"import os\n{line}\n")
    assert str(found.place_of("predict_fn")) == "code/inference.py:2"
    assert found.function("predict_fn") is None
    assert found.place_of("input_fn") is None


def test_a_described_function_is_found_in_another_file(tmp_path: Path) -> None:
    found = source(
        tmp_path, inference="from impl import predict_fn\n", impl="@staticmethod\ndef run(a, *b):\n    return 1\n"
    )
    found.locate({"predict_fn": {"file": "impl.py", "line": 1}, "input_fn": {"file": "", "line": 0}})
    assert str(found.place_of("predict_fn")) == "code/impl.py:2"
    assert str(found.place_of_return("predict_fn")) == "code/impl.py:3"
    assert found.is_variable("predict_fn")
    assert "input_fn" not in found.located


def test_lines_of_raise_statements_are_known(tmp_path: Path) -> None:
    found = source(tmp_path, inference="def f():\n    raise ValueError(\n        'x'\n    )\nf()\n")
    assert [found.raises_at("inference.py", line) for line in (1, 2, 3, 5)] == [False, True, True, False]
    assert not found.raises_at("other.py", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import numpy\nx = numpy.random.normal()\n", True),
        ("RNG = 1\n", True),
        ("'random'\n", False),
        ("operand = 1\n", False),
    ],
)
def test_names_of_chance_are_found(tmp_path: Path, text: str, expected: bool) -> None:
    assert source(tmp_path, inference=text).mentions(CHANCE) is expected
