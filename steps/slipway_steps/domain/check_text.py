"""A check of a gate in a few words, for people."""

import math

from slipway_steps.domain.verdict import Check, Verdict


def number(value: float | str | None) -> str:
    """A measured value as people write it: 4012, 0.75, 97.5. A text stays as it is; "" for None."""
    if value is None or isinstance(value, str):
        return value or ""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) < 1 else f"{value:.3g}"


def measure(value: float | str | None, unit: str) -> str:
    """A value with its unit: `4012 ms`, `100 %`, `OOMKilled`."""
    text = number(value)
    return f"{text} {unit}".strip() if text and isinstance(value, (int, float)) else text


def check_text(check: Check) -> str:
    """A check in short: `p95 4012 ms, limit 2000 ms`; its own message where it compared no numbers."""
    measured, threshold = check.measured, check.threshold
    if isinstance(measured, str) or isinstance(threshold, str) or measured is None or threshold is None:
        return check.message.rstrip(".") or check.code.replace("-", " ")
    value = f"{check.code.replace('-', ' ')} {measure(measured, check.unit)}"
    if measured == threshold:
        return value
    # a check that passed is below its limit or above its minimum, any other one is beyond
    bound = "limit" if (measured > threshold) is not (check.verdict is Verdict.PASS) else "minimum"
    return f"{value}, {bound} {measure(threshold, check.unit)}"
