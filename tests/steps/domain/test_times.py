"""Times as text."""

from datetime import UTC, datetime, timedelta, timezone

from slipway_steps.domain.times import now, timestamp


def test_a_moment_is_written_in_utc() -> None:
    moment = datetime(2026, 3, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp(moment) == "2026-03-01T12:00:00Z"
    assert timestamp(moment, "milliseconds") == "2026-03-01T12:00:00.123Z"


def test_now_is_now() -> None:
    assert abs(datetime.fromisoformat(now("milliseconds")) - datetime.now(UTC)) < timedelta(seconds=5)
