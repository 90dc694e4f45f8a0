"""Compares two sides of a scenario by pairs of runs in turn, until there is a verdict on each metric."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

from slipway_steps.domain.comparison import LOOKS, MetricComparison, SequentialTest, Side
from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_comparison import Pair, PerfComparison
from slipway_steps.domain.perf_metrics import END_TO_END, METRICS
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.verdict import Check, Verdict, judge
from slipway_steps.perf.limits import limits_of, unmeasured_in
from slipway_steps.perf.pairs import PairRules, run_pairs
from slipway_steps.perf.sides import OpenSide
from slipway_steps.perf.statistics import median, ratio_interval
from slipway_steps.perf.step_changes import step_changes, where

ERROR_RATE, DEADLINE, INTERRUPTED, TARGET = "error-rate", "deadline", "interrupted", "target"


def compare(
    scenario: PerfScenario,
    sides: Mapping[Side, OpenSide],
    *,
    name: str,
    yardstick: Callable[[], float],
    on_run: Callable[[Side, RunSample], None] = lambda side, sample: None,
) -> PerfComparison:
    """Run pairs and judge them after 10, 20, 30 and 40.

    It goes on while a metric is undecided, and while more of head's runs have failed than the limit allows until now.
    Ctrl-C ends it with what was measured. sides: prepared ones; the caller closes them. on_run: is told of each run.
    """

    def ran(side: Side, sample: RunSample) -> None:
        sides[side].add(sample)
        on_run(side, sample)

    comparing = _Comparing(scenario, sides)
    started = time.time()
    deadline = started + (scenario.start_time + scenario.run_time) * 60
    comparing.run(PairRules(scenario.warm_up, scenario.seed, deadline, yardstick, ran), started)
    return comparing.result(name, started)


class _Comparing:
    """The pairs until now, and what follows from them."""

    def __init__(self, scenario: PerfScenario, sides: Mapping[Side, OpenSide]) -> None:
        self.scenario, self.sides = scenario, sides
        self.unmeasured: dict[str, str] = {}
        self.without_ratio: dict[str, str] = {}
        self.limits = limits_of(scenario, {})
        self.test = SequentialTest(self.limits, ratio_interval)
        self.pairs: list[Pair] = []
        self.cut: Check | None = None
        self.most_failures = int(scenario.max_error_rate * LOOKS[-1])

    def run(self, rules: PairRules, started: float) -> None:
        """Run pairs until there is a verdict, the deadline, or Ctrl-C."""
        targets = {side: one.target for side, one in self.sides.items()}
        try:
            time.sleep(max(started + self.scenario.start_time * 60 - time.time(), 0))
            for pair in run_pairs(targets, rules):
                self.pairs.append(pair)
                if self._ended(pair):
                    return
            minutes = self.scenario.run_time
            message = f"runTime of {minutes:g} min was over after {so_many(len(self.pairs), 'pair')}: set runTime"
            self.cut = Check(code=DEADLINE, verdict=Verdict.INCONCLUSIVE, message=message)
        except Broken as error:
            self.cut = Check(code=TARGET, verdict=Verdict.ERROR, message=str(error))
        except KeyboardInterrupt:
            message = f"it was interrupted after {so_many(len(self.pairs), 'pair')}"
            self.cut = Check(code=INTERRUPTED, verdict=Verdict.INCONCLUSIVE, message=message)

    def _ended(self, pair: Pair) -> bool:
        if max(map(self._failed, Side)) > self.most_failures:
            return True
        timed = sum(one.timed for one in self.pairs)
        if not pair.timed or timed < LOOKS[0]:
            return False
        if timed in LOOKS:
            self._drop_unmeasured()
            self._settle_zeros()
            self.test.look(self._log_ratios())
        failures_fit = self._failed(Side.HEAD) <= self.scenario.max_error_rate * len(self.pairs)
        return timed >= LOOKS[-1] or (self.test.ended and failures_fit)

    def _drop_unmeasured(self) -> None:
        """Leave out what a target says that it does not measure, and no timed pair tells: it would stay without a
        verdict for ever. The targets are asked late, as a cluster's learns it only from its pods. A metric that the
        scenario names stays.
        """
        runs: list[RunSample] = []
        for pair in self.pairs:
            if pair.timed:
                shared = pair.base.metrics.keys() & pair.head.metrics.keys()
                runs.append(pair.head.model_copy(update={"metrics": dict.fromkeys(shared, 0.0)}))
        named = {name: why for side in Side for name, why in self.sides[side].target.unmeasured.items()}
        self.unmeasured = unmeasured_in(runs, named)
        kept = limits_of(self.scenario, self.unmeasured)
        for metric in self.limits.keys() - kept.keys():
            self.test.drop(metric)
            del self.limits[metric]

    def _settle_zeros(self) -> None:
        """Judge a metric whose median is 0 on a side by its threshold: nothing is a share of 0, and the ratios of those
        pairs alone in which it is not 0 would be of a choice of pairs. Where head has 0 in all runs it passes.
        """
        timed = [pair for pair in self.pairs if pair.timed]
        for metric in self.test.undecided:
            values = {
                side: [run.metrics[metric] for run in _runs(timed, side) if metric in run.metrics] for side in Side
            }
            if not all(values.values()) or all(map(median, values.values())):
                continue
            middle, most = median(values[Side.HEAD]), self.scenario.thresholds.get(metric)
            medians = f"its median is {median(values[Side.BASE]):g} on base and {middle:g} on head"
            if not any(values[Side.HEAD]):
                verdict, why = Verdict.PASS, "it is 0 in all runs of head"
            elif most is not None:
                verdict = Verdict.PASS if middle <= most else Verdict.REJECT
                why = f"{medians}; the threshold is {most:g}"
            else:
                verdict, why = Verdict.INCONCLUSIVE, f"{medians}; name its largest median in `thresholds`"
            self.without_ratio[metric] = why
            self.test.settle(metric, verdict)

    def _failed(self, side: Side) -> int:
        return sum(pair.run(side).outcome is not RunOutcome.SUCCEEDED for pair in self.pairs)

    def _log_ratios(self) -> dict[str, list[float]]:
        found = {metric: [pair.log_ratio(metric) for pair in self.pairs] for metric in self.limits}
        return {metric: [one for one in values if one is not None] for metric, values in found.items()}

    def result(self, name: str, started: float) -> PerfComparison:
        """What follows from all pairs."""
        self._drop_unmeasured()
        timed = [pair for pair in self.pairs if pair.timed]
        steps = step_changes(timed)
        head = self.sides[Side.HEAD]
        metrics = [self._shown(one, where(steps, one.metric)) for one in self.test.metrics.values()]
        checks = [self._error_rate(), *map(self._check, metrics), *([self.cut] if self.cut else [])]
        return PerfComparison(
            name=name,
            scenario=self.scenario,
            base=self.sides[Side.BASE].label,
            head=head.label,
            fingerprint=head.target.fingerprint(),
            started=started,
            finished=time.time(),
            pairs=self.pairs,
            metrics=metrics,
            steps=steps,
            checks=checks,
            verdict=self._verdict(checks),
            notes=self._notes(timed),
        )

    def _shown(self, metric: MetricComparison, place: str) -> MetricComparison:
        """A metric without a verdict shows what is known by now; one that was rejected names its step."""
        if metric.verdict is Verdict.REJECT:
            return metric.model_copy(update={"where": place})
        logs = [] if metric.metric in self.without_ratio else self._log_ratios()[metric.metric]
        if metric.verdict is Verdict.PASS or not logs:
            return metric
        return metric.model_copy(update={"ratio": ratio_interval(logs, 0.05 / len(LOOKS)), "pairs": len(logs)})

    def _verdict(self, checks: list[Check]) -> Verdict:
        """Without a base that works there is nothing to compare with."""
        if self._failed(Side.BASE) > self.most_failures:
            return Verdict.INCONCLUSIVE
        return judge(checks)

    def _error_rate(self) -> Check:
        """Judges the failures of head. Where base fails as well, nothing is known about head."""
        limit, number = self.scenario.max_error_rate, len(self.pairs)
        side = Side.BASE if self._failed(Side.BASE) > self.most_failures else Side.HEAD
        failed = self._failed(side)
        rate = failed / max(number, 1)
        message = f"{failed} of {so_many(number, 'run')} of {side} failed"
        if failed:
            message += f": {self._first_error(side)}"
        verdict = Verdict.PASS if number and rate <= limit else Verdict.INCONCLUSIVE
        if side is Side.HEAD and failed > self.most_failures:
            verdict = Verdict.REJECT
        return Check(code=ERROR_RATE, verdict=verdict, message=message, measured=rate, threshold=limit)

    def _first_error(self, side: Side) -> str:
        runs = (pair.run(side) for pair in self.pairs)
        failed = next(run for run in runs if run.outcome is not RunOutcome.SUCCEEDED)
        return failed.message or f"{failed.run} {failed.outcome}"

    def _check(self, metric: MetricComparison) -> Check:
        limit = f"limit ×{metric.limit:.2f}"
        if metric.ratio is None:
            why = self.unmeasured.get(metric.metric) or self.without_ratio.get(metric.metric)
            why = why or f"{so_many(metric.pairs, 'pair')} {'is' if metric.pairs == 1 else 'are'} too few"
            message = f"{metric.metric}: no ratio: {why}"
        else:
            message = f"{metric.metric} {metric.ratio}, {limit}, {so_many(metric.pairs, 'pair')}"
            message += f"; {metric.where}" if metric.where else ""
        measured = metric.ratio.estimate if metric.ratio else None
        return Check(
            code=metric.metric, verdict=metric.verdict, message=message, measured=measured, threshold=metric.limit
        )

    def _notes(self, timed: list[Pair]) -> list[str]:
        notes = []
        if END_TO_END not in self.limits:
            notes.append(f"{END_TO_END} is not judged")
        if (failed := len(self.pairs) - len(timed)) > 0:
            notes.append(f"not timed: {so_many(failed, 'pair')} with a run that failed")
        notes += [f"{metric} is not judged: {why}" for metric, why in self.unmeasured.items() if METRICS[metric].delta]
        notes += _machine_note(timed)
        return notes


def _runs(pairs: Sequence[Pair], side: Side) -> list[RunSample]:
    return [pair.run(side) for pair in pairs]


def _machine_note(timed: list[Pair]) -> list[str]:
    """Whether the machine itself was slower before the runs of head, by the yardstick."""
    logs = [
        math.log(pair.head.yardstick / pair.base.yardstick)
        for pair in timed
        if pair.head.yardstick and pair.base.yardstick
    ]
    interval = ratio_interval(logs, 0.01) if logs else None
    if interval is None or interval.low <= 1.05:
        return []
    return [f"the machine itself was slower before the runs of head: yardstick {interval}"]
