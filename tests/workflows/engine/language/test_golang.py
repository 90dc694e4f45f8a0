"""Arithmetic, printing and patterns are Go's; a pattern cannot hang."""

import math
import time
from typing import Any

import pytest

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang, golang, govaluate


@pytest.mark.parametrize(
    "clause",
    [
        "-7 % 3 == -1",
        "7 % -3 == 1",
        "-1 / 0 < 0",
        "(0 / 0) != (0 / 0)",
        "10 ** 400 > 1",
        "1 << 64 == 0",
        "-1 >> 1 == 9223372036854775807",
        "(1 / 0) & 1 == 0",
        '"v" + 1000000 == "v1e+06"',
        '"v" + 0.1 == "v0.1"',
        '"v" + 1.5 == "v1.5"',
        '"' + "a" * 60 + 'b" !~ "(a+)+$"',
    ],
)
def test_when_calculates_as_go(clause: str) -> None:
    assert govaluate.evaluate(clause)


@pytest.mark.parametrize("clause", ["0x" + "f" * 300 + " > 1", "9" * 400 + " > 1", '"a" =~ "(?=a)"', "0X1 == 1"])
def test_when_refuses_what_go_cannot_read(clause: str) -> None:
    with pytest.raises(ExpressionError):
        govaluate.evaluate(clause)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123456.0, "123456"),
        (1e6, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.0, "-0"),
        (math.inf, "+Inf"),
        (math.nan, "NaN"),
    ],
)
def test_floats_are_printed_as_by_go(value: float, text: str) -> None:
    assert golang.printed(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-7 % 3", -1),
        ("9223372036854775807 + 1", -(2**63)),
        ("9007199254740993 % 2", 1),
        ("string(1000000.0)", "1e+06"),
        ("sprig.div(-7, 2)", -3),
        ("sprig.mod(-7, 2)", -1),
        ("sprig.regexReplaceAll('a(x*)b', '-ab-axxb-', '${1}W')", "-W-xxW-"),
        ("sprig.regexReplaceAll('a(x*)b', '-ab-axxb-', '$1W')", "---"),
        ("sprig.regexSplit('z+', 'pizza', -1)", ["pi", "a"]),
        ("sprig.regexFindAll('[0-9]', 'a1b2', 1)", ["1"]),
        ("sprig.regexQuoteMeta('1.[a]')", r"1\.\[a\]"),
        ("'abc' matches '^a.c$'", True),
    ],
)
def test_expressions_calculate_as_go(text: str, value: Any) -> None:
    assert exprlang.evaluate(text, {}) == value


def test_a_pattern_with_backtracking_does_not_hang() -> None:
    began = time.monotonic()
    assert exprlang.evaluate("sprig.regexMatch('(a+)+$', sprig.repeat(40, 'a') + 'b')", {}) is False
    assert time.monotonic() - began < 5
