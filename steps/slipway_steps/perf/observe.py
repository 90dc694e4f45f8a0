"""What workflows that have ended tell of their templates: every release is a sample that costs nothing."""

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_blanks import BLANKS, LEAST_BLANK, blanks_of
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.statistics import percentile
from slipway_steps.perf.history import Moment, hints_in

SINCE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([mhdw])")
UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Observed:
    """The runs of one template. Seconds; medians but for `p95`, and None or absent where nothing was measured.

    `components`: of each step, the longest first. `blanks`: times in which nothing of the template ran. `times`: when
    each timed run was submitted (Unix seconds) and how long it took, in the order of time. `hints`: of a trend or a
    sudden change, in sentences; they judge nothing, as the runs of people differ in their data and parameters.
    """

    pipeline: str
    runs: int
    failed: int
    median: float | None = None
    p95: float | None = None
    queue: float | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    blanks: Mapping[str, float] = field(default_factory=dict)
    times: Sequence[tuple[float, float]] = ()
    hints: Sequence[str] = ()

    def told(self) -> dict[str, object]:
        """For JSON, each blank with the setting that removes it."""
        return {**asdict(self), "settings": {name: BLANKS[name] for name in self.blanks}}


def seconds_of(text: str) -> float:
    """The seconds of a time such as `7d`, `12h` or `30m`. Raises BadInput for anything else."""
    found = SINCE.fullmatch(text.strip())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if seconds <= 0:
        raise BadInput(f"{text!r} is no time", "such as 7d, 12h or 30m")
    return seconds


def observe(samples: Iterable[RunSample]) -> list[Observed]:
    """A line for each template, that with the most time first. Only runs that succeeded are timed."""
    by_pipeline: dict[str, list[RunSample]] = {}
    for sample in samples:
        by_pipeline.setdefault(sample.pipeline or sample.run.rpartition("-")[0] or sample.run, []).append(sample)
    found = [_observed(pipeline, group) for pipeline, group in by_pipeline.items()]
    return sorted(found, key=lambda one: (-(one.median or 0.0) * one.runs, one.pipeline))


def _observed(pipeline: str, samples: list[RunSample]) -> Observed:
    timed = [sample for sample in samples if sample.outcome is RunOutcome.SUCCEEDED]
    ordered = sorted((one for one in timed if END_TO_END in one.metrics), key=lambda one: one.started)
    moments = [Moment(one.started, one.metrics[END_TO_END], one.run) for one in ordered]
    times = [one.value for one in moments]
    queues = [sample.metrics["queue"] for sample in timed if "queue" in sample.metrics]
    components = _medians(sample.components for sample in timed)
    blanks = _medians(blanks_of(sample.phases) for sample in timed)
    return Observed(
        pipeline,
        runs=len(samples),
        failed=sum(sample.outcome is RunOutcome.FAILED for sample in samples),
        median=statistics.median(times) if times else None,
        p95=percentile(times, 95) if times else None,
        queue=statistics.median(queues) if queues else None,
        components=components,
        blanks={name: seconds for name, seconds in blanks.items() if seconds >= LEAST_BLANK},
        times=[(one.at, one.value) for one in moments],
        hints=hints_in(END_TO_END, moments),
    )


def _medians(groups: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each name over the runs that have it, the largest first."""
    values: dict[str, list[float]] = {}
    for group in groups:
        for name, value in group.items():
            values.setdefault(name, []).append(value)
    found = {name: statistics.median(listed) for name, listed in values.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
