"""What all CronWorkflows of the catalog have in common."""

from slipway_workflows.catalog.parts import search_labels
from slipway_workflows.strict_hera import CronWorkflow, WorkflowMetadata, WorkflowTemplateRef


def nightly(name: str, template: str, hour: int, description: str, successes_kept: int) -> CronWorkflow:
    """A CronWorkflow that runs the WorkflowTemplate `template` every night.

    hour: of the day in UTC, 0 to 23. successes_kept: how many successful workflows are kept; of failed ones a week's.
    """
    return CronWorkflow(
        name=name,
        annotations={"workflows.argoproj.io/description": description},
        labels={"app.kubernetes.io/part-of": "slipway"},
        schedules=[f"0 {hour} * * *"],
        timezone="Etc/UTC",
        # nothing is started while that of the night before is still running
        concurrency_policy="Forbid",
        # seconds: a controller that was down at that hour may start it within the next one
        starting_deadline_seconds=3600,
        successful_jobs_history_limit=successes_kept,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name=template),
        workflow_metadata=WorkflowMetadata(labels={**search_labels(template), "slipway.dev/trigger": name}),
    )
