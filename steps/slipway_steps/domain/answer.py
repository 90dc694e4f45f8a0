"""What the served application answered: to a single request, and to one request of the load test."""

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """An answer of the app. `status` is the HTTP status, `body` the parsed JSON object (None where the answer is none),
    `text` the raw answer, `milliseconds` the time until it was read.
    """

    status: int
    body: dict[str, Any] | None
    text: str
    milliseconds: float


class RequestResult(NamedTuple):
    """One request of the load test: milliseconds until its answer was read, the HTTP status (0: no answer), and the
    parsed JSON object (None where the answer is none).
    """

    milliseconds: float
    status: int
    body: dict[str, Any] | None
