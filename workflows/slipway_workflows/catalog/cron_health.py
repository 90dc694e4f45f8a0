"""`cron-health`: a check of everything that releases need, before the night's release."""

from slipway_workflows.catalog.nightly import nightly
from slipway_workflows.strict_hera import CronWorkflow

NAME = "cron-health"


def build() -> CronWorkflow:
    """`health-check`, two hours before the nightly release, so that a person can still mend what it finds."""
    return nightly(NAME, "health-check", 0, "Checks at midnight what the night's release will need.", successes_kept=1)
