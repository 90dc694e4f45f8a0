"""Times as text, as Kubernetes and Argo write them."""

from datetime import UTC, datetime
from typing import Literal


def timestamp(moment: datetime, precision: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """A moment in UTC as RFC 3339 has it: `2026-03-01T12:00:00Z`. `moment` has to know its time zone."""
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def now(precision: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """The present moment, as `timestamp` writes it."""
    return timestamp(datetime.now(UTC), precision)
