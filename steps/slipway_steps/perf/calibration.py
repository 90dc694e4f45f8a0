"""How far the alarms of a comparison can be believed on this machine: the rule, replayed on pairs that were measured.

A/A pairs have the same pipeline on both sides, so that each rejection of them is a false alarm. Which side was which is
then arbitrary, and a resampled pair may change its sides. In slowed pairs a step of head really takes longer; they are
resampled as they are.
"""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.comparison import LOOKS, Interval, SequentialTest
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.statistics import ratio_interval, spread

REPLAYS = 1000
"""How often the rule is replayed. A share of 1 % is then known to half a percent."""
LogRatios = Mapping[str, Sequence[float]]


class Replayed(NamedTuple):
    """Shares of the replays that were rejected or passed, and the mean number of pairs until the verdict."""

    rejected: float
    passed: float
    pairs: float


def replay(
    log_ratios: LogRatios, limits: Mapping[str, float], *, flip: bool, times: int = REPLAYS, seed: int = 0
) -> Replayed:
    """Judge comparisons whose pairs are drawn, with replacement, from measured ones.

    log_ratios: metric -> log(head / base) of each pair; all metrics of the same pairs, in the same order. flip: let the
    sides of half of the drawn pairs change places.
    """
    chance = random.Random(seed)  # noqa: S311 - to draw samples, not secrets
    number = len(next(iter(log_ratios.values())))
    rejected = passed = pairs = 0
    for _ in range(times):
        drawn = [(chance.randrange(number), chance.choice((1, -1)) if flip else 1) for _ in range(LOOKS[-1])]
        test = SequentialTest(limits, ratio_interval)
        for looked_at in LOOKS:
            test.look({one: [log_ratios[one][at] * sign for at, sign in drawn[:looked_at]] for one in limits})
            if test.ended:
                break
        verdicts = {one.verdict for one in test.metrics.values()}
        rejected += Verdict.REJECT in verdicts
        passed += verdicts == {Verdict.PASS}
        pairs += looked_at
    return Replayed(rejected / times, passed / times, pairs / times)


class MetricCalibration(BaseModel):
    """What a comparison of one metric alone can be expected to find.

    `noise`: of a pair, as a share. `false_alarms`: share of A/A comparisons that were rejected. `undecided`: share of
    them without a verdict. `slowed`: the ratio that the slowed step really made; `found`: share of the slowed
    comparisons that were rejected. `pairs`: mean number of an A/A comparison.
    """

    model_config = ConfigDict(frozen=True)

    metric: str
    limit: float
    noise: float
    false_alarms: float
    undecided: float
    pairs: float
    slowed: Interval | None = None
    found: float | None = None

    def sentence(self, inject: float) -> str:
        """The figures in one line. inject: by how many percent the step was slowed."""
        found = "" if self.found is None else f"+{inject:g} % found in {percent(self.found)} (really {self.slowed}), "
        undecided = f"{percent(self.undecided)} undecided, " if self.undecided >= 0.005 else ""
        return (
            f"{self.metric}: pair noise {percent(self.noise)}; replayed {REPLAYS:,} times: "
            f"false alarms {percent(self.false_alarms)}, {found}{undecided}{self.pairs:.0f} pairs a verdict"
        )


def percent(share: float) -> str:
    """A share in percent, with a decimal where it is small and not 0: 0.004 -> 0.4 %."""
    return f"{100 * share:.1f} %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def calibrate(same: LogRatios, slowed: LogRatios, limits: Mapping[str, float]) -> list[MetricCalibration]:
    """Replay the rule for each metric by itself. same: log ratios of A/A pairs; slowed: those of slowed pairs, empty
    where there are none.
    """
    return [_calibrated(metric, same[metric], slowed.get(metric, ()), limit) for metric, limit in limits.items()]


def _calibrated(metric: str, same: Sequence[float], slowed: Sequence[float], limit: float) -> MetricCalibration:
    alike = replay({metric: same}, {metric: limit}, flip=True)
    return MetricCalibration(
        metric=metric,
        limit=limit,
        noise=spread(same),
        false_alarms=alike.rejected,
        undecided=1 - alike.rejected - alike.passed,
        pairs=alike.pairs,
        slowed=ratio_interval(slowed, 0.05) if slowed else None,
        found=replay({metric: slowed}, {metric: limit}, flip=False).rejected if slowed else None,
    )
