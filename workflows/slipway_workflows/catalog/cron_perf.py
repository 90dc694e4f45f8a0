"""`cron-perf`: a performance test every week, when few people work."""

from slipway_workflows.catalog.nightly import nightly
from slipway_workflows.strict_hera import CronWorkflow

NAME = "cron-perf"


def build() -> CronWorkflow:
    """`perf-test` with its defaults, on Sundays at four."""
    found = nightly(NAME, "perf-test", 4, "Measures the pipelines on Sundays at four.", successes_kept=5)
    found.schedules = ["0 4 * * 0"]
    return found
