"""What is left to `make acceptance` of tests that are many alike."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """All cases, as parameters of a test; a tuple gives several parameters. Of each `every` cases the first stays as it
    is, and the others are marked `acceptance`: `make test` leaves them out, and `make acceptance` runs them.
    """
    found = []
    for number, case in enumerate(cases):
        values = case if isinstance(case, tuple) else (case,)
        found.append(case if number % every == 0 else for_acceptance(*values))
    return found


def for_acceptance(*case: Any) -> Any:
    """One case, as a parameter of a test, which `make acceptance` runs and `make test` leaves out."""
    return pytest.param(*case, marks=pytest.mark.acceptance)
