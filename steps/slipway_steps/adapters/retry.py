"""How calls of outside systems are retried: one policy for registries, Kubernetes, Git and webhooks."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""

T = TypeVar("T")


class Again(Exception):
    """The same call may succeed later. `after`: the seconds to wait that the other side asked for, or None."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True)
class RetryPolicy:
    """The number of attempts, and the waits between them in seconds.

    The first wait is `first_wait`, and each further one is twice as long, up to `longest_wait`. Each wait is randomly
    up to a half shorter or longer, so that callers that collided do not collide again. With the defaults the waits are
    about 15 s in total: an API server or a registry takes about ten to restart. A wait that the other side asked for
    (`Retry-After`) is used instead, up to `longest_asked`.
    """

    attempts: int = 7
    first_wait: float = 0.25
    longest_wait: float = 8.0
    longest_asked: float = 30.0

    def call(self, function: Callable[[], T]) -> T:
        """Call `function` and return its result. It is called again when it raises Again. Raises the last Again."""
        return Retrying(
            retry=retry_if_exception_type(Again),
            stop=stop_after_attempt(self.attempts),
            wait=self._wait,
            reraise=True,
        )(function)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Again) and error.after is not None:
            return min(error.after, self.longest_asked)
        wait: float = min(self.first_wait * 2.0 ** (state.attempt_number - 1), self.longest_wait)
        return wait * random.uniform(0.5, 1.5)  # noqa: S311 - no secret


USUAL = RetryPolicy()


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """The seconds to wait that a `Retry-After` header asks for, as a number or as a date; None where there is no such
    header.
    """
    text = (headers or {}).get("Retry-After") or ""
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def reason_of(error: Exception) -> str:
    """What happened to a request, without the address, which may contain a password or a token."""
    inner: BaseException = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None) or inner
    return f"{type(error).__name__}: {str(reason)[:160]}"
