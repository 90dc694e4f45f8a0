"""By how much each metric may grow before that is a regression."""

from collections.abc import Iterable, Mapping

from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample


def unmeasured_in(runs: Iterable[RunSample], unmeasured: Mapping[str, str]) -> dict[str, str]:
    """The metrics that no timed run has, each with the reason that the target gives.

    unmeasured: the target's, asked after the runs. A target that learns from its pods what it can measure names a
    metric as soon as one run lacks it; such a run must not hide a regression that the others tell.
    """
    told = {metric for run in runs if run.outcome is RunOutcome.SUCCEEDED and not run.warm_up for metric in run.metrics}
    return {metric: why for metric, why in unmeasured.items() if metric not in told}


def limits_of(scenario: PerfScenario, unmeasured: Mapping[str, str]) -> dict[str, float]:
    """Metric -> the largest ratio of head to base that is no regression, for the metrics that are judged.

    These are the metrics that have a limit by themselves and are measured, and those that the scenario names.
    """
    known = {name: metric.delta for name, metric in METRICS.items() if metric.delta and name not in unmeasured}
    return {name: 1 + share for name, share in (known | scenario.limits).items()}
