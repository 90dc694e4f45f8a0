"""How a regression is decided. Only numbers come in: the intervals are computed in `perf.statistics`."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.verdict import Verdict

LOOKS = (10, 20, 30, 40)
"""Pairs after which a comparison is judged. After the last look it is inconclusive."""
ALPHA = 0.05
"""Share of false alarms that one comparison may give at most. Each look takes ALPHA / len(LOOKS) of it (Bonferroni)."""


class Interval(BaseModel):
    """A ratio of head to base with its confidence interval. 1.1 means that head is 10 % more."""

    model_config = ConfigDict(frozen=True)

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"×{self.estimate:.2f} [{self.low:.2f}, {self.high:.2f}]"


class Side(StrEnum):
    """The two sides of a pair."""

    BASE = "base"
    HEAD = "head"


class MetricComparison(BaseModel):
    """One metric of a comparison. `limit` is the largest ratio that is no regression, such as 1.1; `where` names the
    step that most of a regression is in.
    """

    model_config = ConfigDict(frozen=True)

    metric: str
    ratio: Interval | None
    limit: float
    pairs: int
    verdict: Verdict
    where: str = ""


def judged(interval: Interval, limit: float, *, last: bool) -> Verdict | None:
    """The verdict on one metric at one look; None: more pairs are needed.

    reject where the whole interval is above the limit, pass where all of it is below; inconclusive at the last look.
    """
    if interval.low > limit:
        return Verdict.REJECT
    if interval.high < limit:
        return Verdict.PASS
    return Verdict.INCONCLUSIVE if last else None
