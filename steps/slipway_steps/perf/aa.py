"""Measures what `calibration` replays: pairs with the same pipeline on both sides, and pairs with a slowed step."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.comparison import ALPHA, Side
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_comparison import Pair, PerfComparison
from slipway_steps.domain.perf_metrics import CPU, END_TO_END
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.calibration import MetricCalibration, calibrate, percent
from slipway_steps.perf.compare import DEADLINE, ERROR_RATE, INTERRUPTED, TARGET, compare
from slipway_steps.perf.limits import limits_of, unmeasured_in
from slipway_steps.perf.pairs import PairRules, run_pairs
from slipway_steps.perf.sides import OpenSide
from slipway_steps.perf.slowed_pipeline import slow_pipeline
from slipway_steps.perf.statistics import median, share_interval

LEAST_PAIRS = 10
"""Pairs under which nothing is replayed: the first look of a comparison."""
LEAST_WARM_UP = 3
"""Runs of each side before the first pair."""


class Calibration(BaseModel):
    """How far alarms can be believed on this machine, for one scenario.

    `pairs` were measured of equal sides. `step`: the one that was slowed, by `seconds` of processor time, which is
    `inject` percent of that of a run; "" where none was.
    """

    model_config = ConfigDict(frozen=True)

    pairs: int
    inject: float
    step: str
    seconds: float
    metrics: list[MetricCalibration]
    notes: list[str] = []
    interrupted: bool = False

    @property
    def believable(self) -> bool:
        """Whether the replays gave no more false alarms than a comparison may."""
        return all(one.false_alarms <= ALPHA for one in self.metrics)


class LiveAlarms(BaseModel):
    """Whole comparisons of equal sides: how many were rejected (false alarms), and how many passed.

    `number`: those that came to their end. `unmade`: why each of the others says nothing about alarms.
    """

    model_config = ConfigDict(frozen=True)

    rejected: int
    passed: int
    number: int
    unmade: list[str] = []
    interrupted: bool = False

    def lines(self) -> Iterator[str]:
        """The figures, then the comparisons that are not counted."""
        yield self._sentence() if self.number else "live: no comparison of equal sides came to its end"
        yield from (f"live: not counted: {why}" for why in self.unmade)

    def _sentence(self) -> str:
        low, high = share_interval(self.rejected, self.number)
        return (
            f"live: {self.rejected} of {self.number} comparisons of equal sides rejected (95 % interval {percent(low)} "
            f"to {percent(high)}), {self.passed} passed, {self.number - self.rejected - self.passed} inconclusive"
        )


class AaMeasurement:
    """Two equal sides of a scenario, and a slowed one where asked for.

    open_side: opens a side by its name. yardstick: see `pairs`. on_run: is told of each run.
    """

    def __init__(
        self,
        scenario: PerfScenario,
        pipeline: Path,
        open_side: Callable[[str], AbstractContextManager[OpenSide]],
        yardstick: Callable[[], float],
        on_run: Callable[[RunSample], None],
    ) -> None:
        self.scenario, self.pipeline, self.open_side = scenario, pipeline, open_side
        self.yardstick, self.on_run = yardstick, on_run
        self.samples: list[RunSample] = []
        self.notes: list[str] = []

    def replayed(self, pairs: int, inject: float) -> Calibration:
        """Measure so many pairs of each kind, in turn, and replay the rule on them. The first pairs are of equal sides:
        their median tells how much a step is slowed.

        inject: percent of a run's processor time by which a step is slowed; 0: no slowed pairs. runTime of the scenario
        is the deadline; what was measured until then, or until Ctrl-C, is replayed. Raises BadInput where that are too
        few pairs, or no step can be slowed, and KeyboardInterrupt where Ctrl-C left too few.
        """
        same: list[Pair] = []
        slowed: list[Pair] = []
        step, seconds, interrupted = "", 0.0, False
        with ExitStack() as opened:
            base, head = (self._opened(opened, name, self.pipeline) for name in ("base", "head"))
            deadline = time.time() + self.scenario.run_time * 60
            alike = self._pairs(base, head, max(self.scenario.warm_up, LEAST_WARM_UP), deadline)
            other: Iterator[Pair] | None = None
            try:
                while len(same) < pairs or (inject and len(slowed) < pairs):
                    if inject and other is None and len(same) >= LEAST_PAIRS:
                        step, seconds, slow = self._slowed(opened, base, inject)
                        other = self._pairs(base, slow, 1, deadline)
                    if not (_took(alike, same, pairs) and (other is None or _took(other, slowed, pairs))):
                        minutes = self.scenario.run_time
                        self.notes.append(f"runTime of {minutes:g} min was over after {so_many(len(same), 'pair')}")
                        break
            except KeyboardInterrupt:
                interrupted = True
                self.notes.append(f"it was interrupted after {so_many(len(same), 'pair')}")
            limits = limits_of(self.scenario, unmeasured_in(self.samples, base.target.unmeasured))
        ratios = _log_ratios(limits, same)
        if not ratios and interrupted:
            raise KeyboardInterrupt
        if not ratios:
            raise BadInput(f"{self._few(same)}: {LEAST_PAIRS} are needed", "mend the pipeline, or set runTime")
        judged = {metric: limit for metric, limit in limits.items() if metric in ratios}
        metrics = calibrate(ratios, _log_ratios(judged, slowed), judged)
        self.notes += _unlike(metrics, inject)
        return Calibration(
            pairs=len(same),
            inject=inject,
            step=step,
            seconds=seconds,
            metrics=metrics,
            notes=self.notes,
            interrupted=interrupted,
        )

    def live(self, number: int) -> LiveAlarms:
        """Make whole comparisons of equal sides, each from its first pair to its verdict. Ctrl-C ends all of it."""
        verdicts: list[Verdict] = []
        unmade: list[str] = []
        interrupted = False
        with ExitStack() as opened:
            sides = {side: self._opened(opened, f"live-{side}", self.pipeline) for side in Side}
            for seed in range(number):
                scenario = self.scenario.model_copy(update={"seed": self.scenario.seed + seed})
                found = compare(
                    scenario,
                    sides,
                    name=sides[Side.HEAD].name,
                    yardstick=self.yardstick,
                    on_run=lambda side, sample: self.on_run(sample),
                )
                why = _unmade(found)
                if why:
                    unmade.append(f"comparison {seed + 1}: {why}")
                else:
                    verdicts.append(found.verdict)
                interrupted = any(check.code == INTERRUPTED for check in found.checks)
                if interrupted:
                    break
        return LiveAlarms(
            rejected=verdicts.count(Verdict.REJECT),
            passed=verdicts.count(Verdict.PASS),
            number=len(verdicts),
            unmade=unmade,
            interrupted=interrupted,
        )

    def _opened(self, opened: ExitStack, name: str, pipeline: Path) -> OpenSide:
        side = opened.enter_context(self.open_side(name))
        side.prepare(pipeline)
        return side

    def _slowed(self, opened: ExitStack, base: OpenSide, inject: float) -> tuple[str, float, OpenSide]:
        """The slowed step's name, the seconds of processor time that it uses more, and the side that has it."""
        runs = [run for run in self.samples if run.outcome is RunOutcome.SUCCEEDED]
        used = [run.metrics[CPU] if CPU in run.metrics else run.metrics[END_TO_END] for run in runs]
        if not used:
            raise BadInput(f"no run succeeded: {self.samples[-1].message}", "mend the pipeline")
        seconds = median(used) * inject / 100
        copy = base.directory / "slowed.yaml"
        step = slow_pipeline(self.pipeline, copy, seconds, _nodes_of_steps(runs))
        return step, seconds, self._opened(opened, "slowed", copy)

    def _pairs(self, base: OpenSide, head: OpenSide, warm_up: int, deadline: float) -> Iterator[Pair]:
        sides = {Side.BASE: base, Side.HEAD: head}

        def ran(side: Side, sample: RunSample) -> None:
            sides[side].add(sample)
            if side is Side.BASE:
                self.samples.append(sample)
            self.on_run(sample)

        targets = {side: one.target for side, one in sides.items()}
        return run_pairs(targets, PairRules(warm_up, self.scenario.seed, deadline, self.yardstick, ran))

    def _few(self, pairs: Sequence[Pair]) -> str:
        failed = next((run for run in self.samples if run.outcome is not RunOutcome.SUCCEEDED), None)
        reason = f" ({failed.message})" if failed else ""
        return f"{so_many(sum(pair.timed for pair in pairs), 'pair')} of runs succeeded{reason}"


def _nodes_of_steps(runs: Sequence[RunSample]) -> dict[str, int]:
    """How many nodes each step has in a run, the longest step first. The items of a loop, step(0:item), are of one."""
    took: dict[str, float] = {}
    counts: dict[str, list[float]] = {}
    for run in runs:
        for component, seconds in run.components.items():
            took[_step(component)] = took.get(_step(component), 0.0) + seconds
        # a node that took no whole second may be in no phase, so that items are counted too
        phases = Counter(_step(phase.component) for phase in run.phases if phase.name == "run")
        for name, number in (phases | Counter(map(_step, run.components))).items():
            counts.setdefault(name, []).append(number)
    return {name: max(1, round(median(counts[name]))) for name in sorted(took, key=lambda name: -took[name])}


def _step(component: str) -> str:
    return component.partition("(")[0]


def _unlike(metrics: Sequence[MetricCalibration], inject: float) -> Iterator[str]:
    """That the slowed step took much more or less than was asked for, as what is found then is another slowdown."""
    known = {one.metric: one.slowed for one in metrics}
    metric = CPU if CPU in known else END_TO_END
    slowed, asked = known.get(metric), 1 + inject / 100
    if slowed is None or slowed.low <= asked <= slowed.high:
        return
    if not 0.5 <= (slowed.estimate - 1) / (asked - 1) <= 2:
        yield f"{metric} of the slowed side is {slowed}, far from the ×{asked:.2f} asked for: that is what was found"


def _unmade(found: PerfComparison) -> str:
    """Why a comparison says nothing about alarms; "" where it does. One that was rejected did raise an alarm, also
    where it was cut afterwards.
    """
    if found.verdict in (Verdict.PASS, Verdict.REJECT):
        return ""
    broken = (DEADLINE, INTERRUPTED, TARGET, ERROR_RATE)
    # what cut it is the last check, and tells more than the failed runs
    checks = [check for check in found.checks if check.code in broken and check.verdict is not Verdict.PASS]
    return checks[-1].message if checks else ""


def _took(pairs: Iterator[Pair], found: list[Pair], most: int) -> bool:
    """Run one pair more, unless there are enough. Returns False where the deadline was over."""
    if len(found) >= most:
        return True
    pair = next(pairs, None)
    found += [pair] if pair else []
    return pair is not None


def _log_ratios(limits: Mapping[str, float], pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """The log ratios of each metric that was measured in enough pairs."""
    found = {metric: [pair.log_ratio(metric) for pair in pairs] for metric in limits}
    told = {metric: [one for one in values if one is not None] for metric, values in found.items()}
    return {metric: values for metric, values in told.items() if len(values) >= LEAST_PAIRS}
