"""A body of a request or an answer as a table of rows, whatever its format."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Table(NamedTuple):
    """The rows of a body. `take` gives a body of the same form with only the rows of these numbers, in that order;
    `values` gives the rows as plain values: numbers, text, lists, objects.
    """

    size: int
    take: Callable[[Sequence[int]], bytes]
    values: Callable[[], list[Any]]


def as_number(cell: str) -> float | None:
    """The number that a text is; None for any other text."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None
