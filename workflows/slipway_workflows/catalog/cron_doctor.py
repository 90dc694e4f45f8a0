"""`cron-doctor`: a look at the environments every night."""

from slipway_workflows.catalog.parts import search_labels
from slipway_workflows.strict_hera import CronWorkflow, WorkflowMetadata, WorkflowTemplateRef

NAME = "cron-doctor"


def build() -> CronWorkflow:
    """`doctor`, which mends nothing unasked, after the night's release."""
    return CronWorkflow(
        name=NAME,
        annotations={"workflows.argoproj.io/description": "Looks every night at four for what drifted, and tells."},
        labels={"app.kubernetes.io/part-of": "slipway"},
        schedules=["0 4 * * *"],
        timezone="Etc/UTC",
        concurrency_policy="Forbid",
        # seconds: a controller that was away at four still starts it until five
        starting_deadline_seconds=3600,
        successful_jobs_history_limit=1,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name="doctor"),
        workflow_metadata=WorkflowMetadata(labels={**search_labels("doctor"), "slipway.dev/trigger": NAME}),
    )
