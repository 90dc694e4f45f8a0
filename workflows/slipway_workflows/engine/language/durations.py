"""Durations as Argo's fields hold them."""

import re
from datetime import datetime
from typing import Any

from slipway_workflows.engine.errors import NodeError

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: Any) -> float:
    """A duration: `10` (seconds), `1m30s`, `0.5h`. Raises NodeError for anything else."""
    value = str(text).strip()
    if not value or DURATION.sub("", value):
        raise NodeError(f"{text!r} is no duration (such as 30, 10s or 1m30s)")
    return sum(float(number) * UNITS[unit or "s"] for number, unit in DURATION.findall(value))


def moment(text: str) -> float:
    """A stored time as Unix seconds."""
    return datetime.fromisoformat(text).timestamp()
