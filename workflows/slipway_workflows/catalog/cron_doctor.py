"""`cron-doctor`: a look at the environments every night."""

from slipway_workflows.catalog.nightly import nightly
from slipway_workflows.strict_hera import CronWorkflow

NAME = "cron-doctor"


def build() -> CronWorkflow:
    """`doctor`, which mends nothing unasked, after the night's release."""
    return nightly(NAME, "doctor", 4, "Looks every night at four for what drifted, and tells.", successes_kept=1)
