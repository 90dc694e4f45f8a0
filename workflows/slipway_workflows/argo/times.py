"""Times as Kubernetes writes them: RFC 3339 in UTC."""

from datetime import UTC, datetime
from typing import Any, Literal

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""Before every moment: what has not started is sorted by it."""


def now() -> str:
    """The present moment in whole seconds, as the Kubernetes API takes it."""
    return time_text(datetime.now(UTC))


def time_text(moment: datetime, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """A moment as RFC 3339 text in UTC: `2026-11-20T12:00:07Z`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def parse_time(value: Any) -> datetime | None:
    """The moment that an RFC 3339 text names; None where `value` is no such text."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_between(started: datetime | None, finished: datetime | None) -> float | None:
    """Seconds from start to end, never negative. `finished` None means not ended: until now. None if not started."""
    if started is None:
        return None
    return max(0.0, ((finished or datetime.now(UTC)) - started).total_seconds())
