"""Times as Argo's manifests write them."""

import re

from slipway_workflows.engine.expression_error import ExpressionError

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")


def seconds(text: str | int | float) -> float:
    """`90`, `90s`, `1m30s` as seconds. Raises ExpressionError for anything else."""
    plain = str(text).strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", plain):
        return float(plain)
    if not plain or PART.sub("", plain):
        raise ExpressionError(f"{text!r} is no duration", "for example: 90s or 1m30s")
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(plain))
