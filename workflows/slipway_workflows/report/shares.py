"""The shares of traffic of a promotion by canary, as rows of the page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from slipway_steps.domain.traffic import Counts, Window
from slipway_steps.domain.verdict import Gate, GateReport

PNG = re.compile(r"[A-Za-z0-9+/=]+")
"""What base64 may hold: the text becomes a part of the page."""


@dataclass(frozen=True)
class ShareRow:
    """One share. weight and share: wanted and seen, in %. The others are of the new and of the old version: requests,
    answers with 5xx in %, and the 95th percentile in ms; None where nothing was counted.
    """

    weight: int
    share: float | None
    requests: tuple[int, int]
    errors: tuple[float | None, float | None]
    p95: tuple[float | None, float | None]


def shares_of(latest: Mapping[Gate, GateReport]) -> list[ShareRow]:
    """The shares that the gate canary has judged; none where it did not run."""
    report = latest.get(Gate.CANARY)
    windows = [Window.model_validate(one) for one in report.series.get("windows", [])] if report else []
    return [
        ShareRow(
            weight=one.weight,
            share=None if one.share is None else 100 * one.share,
            requests=(one.new.requests, one.old.requests),
            errors=(_errors(one.new), _errors(one.old)),
            p95=(_p95(one.new), _p95(one.old)),
        )
        for one in windows
    ]


def changed_of(latest: Mapping[Gate, GateReport]) -> list[Mapping[str, str]]:
    """The held-out images to which the two versions give other labels: `label`, `new`, `old`, and `png` in base64."""
    report = latest.get(Gate.SHADOW)
    return [one for one in report.series.get("changed", []) if PNG.fullmatch(one["png"])] if report else []


def _errors(counts: Counts) -> float | None:
    return 100 * counts.errors / counts.requests if counts.requests else None


def _p95(counts: Counts) -> float | None:
    found = counts.percentile(95)
    return None if found is None else 1000 * found
