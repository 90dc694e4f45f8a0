"""`cron-train`: a whole release every night."""

from slipway_workflows.catalog.parts import searchable
from slipway_workflows.strict_hera import CronWorkflow, WorkflowMetadata, WorkflowTemplateRef

NAME = "cron-train"


def build() -> CronWorkflow:
    """`release-model` by workflowTemplateRef: only so does its release lock count."""
    return CronWorkflow(
        name=NAME,
        annotations={"workflows.argoproj.io/description": "Trains and releases a model every night at two."},
        labels={"app.kubernetes.io/part-of": "slipway"},
        schedules=["0 2 * * *"],
        timezone="Etc/UTC",
        # a night's release that still runs is not joined by the next
        concurrency_policy="Forbid",
        # seconds: a controller that was away at two still starts it until three
        starting_deadline_seconds=3600,
        successful_jobs_history_limit=7,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name="release-model"),
        workflow_metadata=WorkflowMetadata(labels={**searchable("release-model"), "slipway.dev/trigger": NAME}),
    )
