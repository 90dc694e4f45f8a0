"""Our reader of quantities agrees with the official client's, which takes a second to import."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from kubernetes.utils.quantity import parse_quantity as official

from slipway_steps.domain.quantity import parse_quantity

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]


@given(some.decimals(0, 10**6, places=3), some.sampled_from(SUFFIXES))
def test_it_is_the_official_one(number: object, suffix: str) -> None:
    assert parse_quantity(f"{number}{suffix}") == official(f"{number}{suffix}")


@pytest.mark.parametrize("text", ["1e3", "12E2", "-5", "+1.5Gi", ".5"])
def test_other_spellings(text: str) -> None:
    assert parse_quantity(text) == official(text)


@pytest.mark.parametrize("text", ["", "Mi", "five", "1Kb", "1.2.3m"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_quantity(text)
