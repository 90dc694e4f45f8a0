"""Times as a person reads them."""

from datetime import UTC, datetime


def spoken(seconds: float | None) -> str:
    """A duration: `< 1 s`, `3.4 s`, `41 s`, `2 min 05 s`, `1 h 12 min`; "" for None.

    Argo keeps whole seconds, so that 0 only says: less than one.
    """
    if seconds is None:
        return ""
    if seconds <= 0:
        return "< 1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(moment: datetime | None) -> str:
    """A moment in UTC, `2026-11-20 12:00:07 UTC`; "" for None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else ""
