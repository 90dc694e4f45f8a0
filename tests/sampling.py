"""What is left to `make acceptance` of tests that are many alike."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """All cases, as parameters of a test: the first of every `every` runs in each run of the tests, and the others are
    marked `acceptance`, which `make test` leaves out and `make acceptance` runs.
    """
    return [case if number % every == 0 else for_acceptance(case) for number, case in enumerate(cases)]


def for_acceptance(*case: Any) -> Any:
    """One case, as a parameter of a test, which `make acceptance` runs and `make test` leaves out."""
    return pytest.param(*case, marks=pytest.mark.acceptance)
