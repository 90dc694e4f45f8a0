"""Durations and moments as text for people."""

from datetime import UTC, datetime


def duration_text(seconds: float | None) -> str:
    """A duration: `< 1 s`, `3.4 s`, `41 s`, `2 min 05 s`, `1 h 12 min`; "" for None.

    0 becomes `< 1 s`, because Argo stores start and end in whole seconds.
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


def moment_text(moment: datetime | None) -> str:
    """A moment in UTC, `2026-11-20 12:00:07 UTC`; "" for None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else ""
