"""Comparisons of two fake targets, for tests."""

import random
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from steps.perf.fake_target import FakeTarget, sample

from slipway_steps.domain.comparison import Side
from slipway_steps.domain.perf_comparison import PerfComparison
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.compare import compare
from slipway_steps.perf.sides import open_side
from slipway_steps.perf.store import read_session

Make = Callable[[int], RunSample | None]


def scenario(**more: object) -> PerfScenario:
    return PerfScenario.model_validate({"mode": "PIPELINE_RUN", "pipelineFileName": "p.yaml", **more})


def noisy(factor: float = 1.0, noise: float = 0.05, seed: int = 1, slow_step: float = 0.0) -> Make:
    """Runs of three steps that take a second; `slow_step`: seconds that load takes longer."""
    chance = random.Random(seed)

    def make(number: int) -> RunSample:
        off = chance.lognormvariate(0, noise)
        load = 0.3 * off + slow_step
        return sample(
            cpu=0.6 * factor * chance.lognormvariate(0, noise),
            seconds=0.7 * factor * off + load,
            load=load,
            train=0.6 * factor * off,
            evaluate=0.1 * off,
        )

    return make


class Compared:
    """Compares two fake targets."""

    def __init__(self, base: Make, head: Make, directory: Path, marks: Iterable[float] = (), **more: object) -> None:
        self.targets = {Side.BASE: FakeTarget(base), Side.HEAD: FakeTarget(head)}
        self.order: list[Side] = []
        self.warm: list[bool] = []
        self.scenario = scenario(**more)
        self.directory = Path(tempfile.mkdtemp(dir=directory))
        self.marks = iter(marks)
        (self.directory / "p.yaml").write_text("kind: Workflow\n")

    def run(self) -> PerfComparison:
        with ExitStack() as opened:
            sides = {}
            for side, target in self.targets.items():
                made = open_side(self.scenario, target, self.directory, f"perf-x-{side}", side)
                sides[side] = opened.enter_context(made)
                sides[side].prepare(self.directory / "p.yaml")
            mark = lambda: next(self.marks, 0.02)  # noqa: E731
            return compare(self.scenario, sides, name="perf-x", yardstick=mark, on_run=self._ran)

    def session(self, side: Side) -> PerfSession | None:
        return read_session(self.directory / f"perf-x-{side}")

    def _ran(self, side: Side, run: RunSample) -> None:
        self.order.append(side)
        self.warm.append(run.warm_up)


def verdicts(found: PerfComparison) -> dict[str, Verdict]:
    return {one.metric: one.verdict for one in found.metrics}
