"""`cron-train`: runs a whole release every night."""

from slipway_workflows.catalog.nightly import nightly
from slipway_workflows.strict_hera import CronWorkflow

NAME = "cron-train"


def build() -> CronWorkflow:
    """The CronWorkflow. It runs `release-model` by workflowTemplateRef, because only then its release lock is taken."""
    return nightly(NAME, "release-model", 2, "Trains and releases a model every night at two.", successes_kept=7)
