"""When a call is tried again, and how long is waited before."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from slipway_steps.adapters.retry import Again, RetryPolicy, retry_after


class Failing:
    """Fails as often as it is told, then answers."""

    def __init__(self, times: int, after: float | None = None) -> None:
        self.times, self.after, self.calls = times, after, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise Again(f"failure {self.calls}", self.after)
        return "done"


def test_it_is_tried_until_it_succeeds() -> None:
    call = Failing(2)
    assert RetryPolicy(first_wait=0).call(call) == "done"
    assert call.calls == 3


def test_the_last_failure_is_raised_when_all_attempts_are_used() -> None:
    with pytest.raises(Again, match="failure 3"):
        RetryPolicy(attempts=3, first_wait=0).call(Failing(9))


def test_another_error_is_not_tried_again() -> None:
    calls = []

    def broken() -> None:
        calls.append(1)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        RetryPolicy(first_wait=0).call(broken)
    assert len(calls) == 1


def test_a_wait_that_is_asked_for_is_kept_up_to_a_limit() -> None:
    started = datetime.now(UTC)
    assert RetryPolicy(first_wait=60, longest_asked=0.05).call(Failing(1, after=600)) == "done"
    assert timedelta(seconds=0.05) <= datetime.now(UTC) - started < timedelta(seconds=30)


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after({"Retry-After": "2.5"}) == 2.5
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after({"Retry-After": later}) == pytest.approx(60, abs=5)
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None
    assert retry_after(None) is None
