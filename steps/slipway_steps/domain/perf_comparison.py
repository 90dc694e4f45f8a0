"""What a comparison of two sides measured and concluded: its pairs of runs, and the verdict on each metric."""

import math

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.comparison import MetricComparison, Side
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, RunOutcome, RunSample
from slipway_steps.domain.verdict import Check, Verdict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Pair(_Frozen):
    """One run of each side, one after the other. `first` is the side that ran first, which is drawn at random."""

    number: int
    first: Side
    base: RunSample
    head: RunSample

    @property
    def timed(self) -> bool:
        """Whether both runs succeeded. A pair with a run that failed is not timed."""
        return self.base.outcome is self.head.outcome is RunOutcome.SUCCEEDED

    def run(self, side: Side) -> RunSample:
        """The run of a side."""
        return self.base if side is Side.BASE else self.head

    def log_ratio(self, metric: str) -> float | None:
        """log(head / base) of a metric; None where it was not measured in both runs, or is 0 in one."""
        base, head = self.base.metrics.get(metric, 0.0), self.head.metrics.get(metric, 0.0)
        return math.log(head / base) if self.timed and base > 0 and head > 0 else None


class StepChange(_Frozen):
    """By how many seconds a step of head takes longer than that of base. `share`: of the change from end to end."""

    step: str
    seconds: float
    share: float


class PerfComparison(_Frozen):
    """Two sides of one scenario, compared by pairs of runs in turn.

    `base` and `head` say what the sides are, such as a revision. `limits`: metric -> the largest ratio that is no
    regression. `steps`: the changes of all steps, the largest first. `notes`: what a reader has to know beside. Times
    are Unix seconds.
    """

    name: str
    scenario: PerfScenario
    base: str
    head: str
    fingerprint: Fingerprint
    started: float
    finished: float
    pairs: list[Pair]
    metrics: list[MetricComparison]
    steps: list[StepChange] = []
    checks: list[Check]
    verdict: Verdict
    notes: list[str] = []

    @property
    def timed(self) -> list[Pair]:
        """The pairs in which both runs succeeded."""
        return [pair for pair in self.pairs if pair.timed]
