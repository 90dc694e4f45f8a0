"""How a regression is decided. Only numbers come in: the intervals are computed in `perf.statistics`."""

from collections.abc import Callable, Collection, Mapping, Sequence
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


IntervalOf = Callable[[Sequence[float], float], Interval | None]
"""Gives the interval of log ratios at an alpha; None where they are too few for it (`perf.statistics`)."""


class SequentialTest:
    """Judges the metrics of a comparison at each look. The first verdict on a metric stands.

    A metric is rejected where the whole interval of its ratio is above its limit, and passes where all of it is below.
    Each look may use `alpha` / len(LOOKS), so that several looks give no more false alarms than one.

    Several metrics are several chances of a false alarm. Rejections therefore follow Holm's method at each look: with
    m metrics that are not rejected, an interval at (alpha of the look) / m decides, and after each rejection the others
    are judged anew with m - 1. A pass needs no such correction, because the comparison passes only where all metrics
    do: one metric that passes by mistake makes no pass of the others.
    """

    def __init__(self, limits: Mapping[str, float], interval_of: IntervalOf, alpha: float = ALPHA) -> None:
        """limits: metric -> the largest ratio that is no regression, such as 1.1."""
        self._interval_of = interval_of
        self._alpha = alpha / len(LOOKS)
        self._open = set(limits)
        self.metrics = {
            metric: MetricComparison(metric=metric, ratio=None, limit=limit, pairs=0, verdict=Verdict.INCONCLUSIVE)
            for metric, limit in limits.items()
        }

    @property
    def ended(self) -> bool:
        """Whether more pairs cannot change the verdict: a metric was rejected, or each has its verdict."""
        return not self._open or any(one.verdict is Verdict.REJECT for one in self.metrics.values())

    def drop(self, metric: str) -> None:
        """Judge a metric no longer, because it turned out that it is not measured."""
        del self.metrics[metric]
        self._open.discard(metric)

    def settle(self, metric: str, verdict: Verdict) -> None:
        """Give a metric a verdict that does not follow from ratios, because there are none."""
        self._decide(metric, verdict)

    @property
    def undecided(self) -> Collection[str]:
        """The metrics that have no verdict yet."""
        return sorted(self._open)

    def look(self, log_ratios: Mapping[str, Sequence[float]]) -> None:
        """Judge the metrics that have no verdict yet. log_ratios: metric -> log(head / base) of all pairs so far."""
        while rejected := self._above(log_ratios):
            self._decide(rejected, Verdict.REJECT)
        for metric in sorted(self._open):
            if interval := self._interval(log_ratios, metric, self._alpha):
                self._keep(metric, interval, len(log_ratios[metric]))
                if interval.high < self.metrics[metric].limit:
                    self._decide(metric, Verdict.PASS)

    def _above(self, log_ratios: Mapping[str, Sequence[float]]) -> str:
        """A metric without a verdict whose corrected interval is above its limit; "" where there is none."""
        rejected = sum(one.verdict is Verdict.REJECT for one in self.metrics.values())
        for metric in sorted(self._open):
            interval = self._interval(log_ratios, metric, self._alpha / (len(self.metrics) - rejected))
            if interval and interval.low > self.metrics[metric].limit:
                self._keep(metric, interval, len(log_ratios[metric]))
                return metric
        return ""

    def _interval(self, log_ratios: Mapping[str, Sequence[float]], metric: str, alpha: float) -> Interval | None:
        values = log_ratios.get(metric, ())
        return self._interval_of(values, alpha) if values else None

    def _keep(self, metric: str, interval: Interval, pairs: int) -> None:
        self.metrics[metric] = self.metrics[metric].model_copy(update={"ratio": interval, "pairs": pairs})

    def _decide(self, metric: str, verdict: Verdict) -> None:
        self.metrics[metric] = self.metrics[metric].model_copy(update={"verdict": verdict})
        self._open.discard(metric)
