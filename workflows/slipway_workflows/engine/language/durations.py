"""Durations and times as the fields of Argo's objects hold them."""

import re
from datetime import datetime
from typing import Any

from slipway_workflows.engine.errors import NodeError

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
LONGEST = 2**63 / 1e9
"""Seconds. Go counts a duration in nanoseconds, as int64, and calls a longer one invalid: some 292 years."""
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: Any) -> float:
    """The seconds of a duration such as `10`, `1m30s` or `0.5h`.

    Raises NodeError for a text that is not a duration, or one that is longer than Go's can be.
    """
    value = str(text).strip()
    if not value or DURATION.sub("", value):
        raise NodeError(f"{text!r} is not a duration (such as 30, 10s or 1m30s)")
    found = sum(float(number) * UNITS[unit or "s"] for number, unit in DURATION.findall(value))
    if found >= LONGEST:
        raise NodeError(f"{value[:60]!r} is not a duration that Argo takes: it is longer than 292 years")
    return found


def moment(text: str) -> float:
    """A stored time, in ISO 8601, as Unix seconds."""
    return datetime.fromisoformat(text).timestamp()
