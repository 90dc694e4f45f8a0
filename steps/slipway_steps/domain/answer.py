"""What the served application answered: to one question, and to one request of the load test."""

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What the app answered. `body` is the parsed JSON object, or None where it was none."""

    status: int
    body: dict[str, Any] | None
    text: str
    milliseconds: float


class Shot(NamedTuple):
    """One request of the load test: milliseconds until its answer was read, status (0: none), the parsed JSON object or
    None.
    """

    milliseconds: float
    status: int
    body: dict[str, Any] | None
