"""Times as Kubernetes writes them: RFC 3339 in UTC."""

from datetime import UTC, datetime
from typing import Any, Literal


def now() -> str:
    """The present moment in whole seconds, as the Kubernetes API takes it."""
    return time_text(datetime.now(UTC))


def time_text(moment: datetime, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """A moment as a text: `2026-11-20T12:00:07Z`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def parse_time(value: Any) -> datetime | None:
    """A moment from an RFC 3339 text; None for null, for "" and for what is no time."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_between(started: datetime | None, finished: datetime | None) -> float | None:
    """From start to end, or till now for what has not ended; None for what has not started. Never negative."""
    if started is None:
        return None
    return max(0.0, ((finished or datetime.now(UTC)) - started).total_seconds())
