"""Which texts are numbers."""

import math

import pytest

from slipway_steps.handlers.table import as_number


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1", 1.0), (" -2.5e3 ", -2500.0), ("inf", math.inf), ("1_000", None), ("", None), ("1,5", None), ("0x10", None)],
)
def test_a_number_is_what_a_model_s_library_reads_as_one(cell: str, number: float | None) -> None:
    assert as_number(cell) == number


def test_a_missing_number_is_a_number() -> None:
    assert math.isnan(as_number("nan") or 0)
