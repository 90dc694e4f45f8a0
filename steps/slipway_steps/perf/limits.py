"""By how much each metric may grow before that is a regression."""

from collections.abc import Mapping

from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import PerfScenario


def limits_of(scenario: PerfScenario, unmeasured: Mapping[str, str]) -> dict[str, float]:
    """Metric -> the largest ratio of head to base that is no regression, for the metrics that are judged.

    These are the metrics that have a limit by themselves and are measured, and those that the scenario names.
    """
    known = {name: metric.delta for name, metric in METRICS.items() if metric.delta and name not in unmeasured}
    return {name: 1 + share for name, share in (known | scenario.limits).items()}
