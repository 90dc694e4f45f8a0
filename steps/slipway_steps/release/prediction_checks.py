"""Checks whether an answer of /predict is a prediction."""

from collections.abc import Collection, Mapping
from typing import Any


def prediction_fault(body: Mapping[str, Any] | None, labels: Collection[str] | None = None) -> str:
    """What is wrong with the JSON of a prediction; "" where nothing is.

    Expected are `label` (one of `labels` where they are given), `confidence` from 0 to 1, and `probabilities` by label,
    whose sum is 1 within 0.01.
    """
    if body is None:
        return "the answer is no JSON object"
    label, confidence, probabilities = (body.get(key) for key in ("label", "confidence", "probabilities"))
    if not isinstance(label, str) or (labels is not None and label not in labels):
        return f"label {label!r} is none of the model's"
    if not isinstance(confidence, int | float) or not 0 <= confidence <= 1.0001:
        return f"confidence {confidence!r} is not from 0 to 1"
    if not isinstance(probabilities, dict) or not all(isinstance(p, int | float) for p in probabilities.values()):
        return "probabilities are no object of numbers"
    if abs(sum(probabilities.values()) - 1) > 0.01:
        return f"probabilities sum to {sum(probabilities.values()):.3f}"
    return ""
