"""`cron-train`: runs a whole release every night."""

from slipway_workflows.catalog.parts import search_labels
from slipway_workflows.strict_hera import CronWorkflow, WorkflowMetadata, WorkflowTemplateRef

NAME = "cron-train"


def build() -> CronWorkflow:
    """The CronWorkflow. It runs `release-model` by workflowTemplateRef, because only then its release lock is taken."""
    return CronWorkflow(
        name=NAME,
        annotations={"workflows.argoproj.io/description": "Trains and releases a model every night at two."},
        labels={"app.kubernetes.io/part-of": "slipway"},
        schedules=["0 2 * * *"],
        timezone="Etc/UTC",
        # no release is started while that of the night before is still running
        concurrency_policy="Forbid",
        # seconds: a controller that was down at two o'clock may start the release until three
        starting_deadline_seconds=3600,
        successful_jobs_history_limit=7,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name="release-model"),
        workflow_metadata=WorkflowMetadata(labels={**search_labels("release-model"), "slipway.dev/trigger": NAME}),
    )
