"""Where the functions of a handler stand."""

from pathlib import Path

import pytest

from slipway_steps.handlers.probes import CHANCE
from slipway_steps.handlers.source import loads_alike, read_source


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


def test_a_function_whose_definition_is_not_found_has_the_place_that_it_told(tmp_path: Path) -> None:
    found = source(tmp_path, inference="make = 1\n", impl="exec('def run(): pass')\n")
    found.locate({"predict_fn": {"file": "inference.py", "line": 1}})
    assert found.function("predict_fn") is None
    assert str(found.place_of_return("predict_fn")) == "code/inference.py:1"


@pytest.mark.parametrize("text", ["x = " + "-" * 100_000 + "1\n", "x = a" + ".b" * 100_000 + "\n"])
def test_text_that_is_nested_too_deeply_for_python_is_a_syntax_error(tmp_path: Path, text: str) -> None:
    found = source(tmp_path, inference=text)
    assert (list(found.errors), list(found.trees)) == (["inference.py"], [])


LOADING = "import json\nSCALE = 2\ndef model_fn(d):\n    return SCALE\ndef predict_fn(data, model):\n    return data\n"


@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        ("return data", "return model", True),
        ("SCALE = 2\n", "SCALE = 2  # a comment\n\n", True),
        ("data\n", "data\ndef output_fn(a, b): pass\n", True),
        ("SCALE = 2", "SCALE = 3", False),
        ("return SCALE", "return 2 * SCALE", False),
        ("data\n", "data\ndef helper(): pass\n", False),
        ("import json", "import helper", False),
        ("return data", "return (", False),
    ],
)
def test_what_answers_requests_alone_does_not_change_the_load(tmp_path: Path, old: str, new: str, alike: bool) -> None:
    for name, text in (("before", LOADING), ("after", LOADING.replace(old, new))):
        (tmp_path / name).mkdir()
        assert source(tmp_path / name, inference=text, helper="A = 1\n").module == "inference.py"
    before, after = (read_source(tmp_path / name) for name in ("before", "after"))
    assert loads_alike(before, after) is alike
