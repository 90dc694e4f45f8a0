"""What several templates share."""

from collections.abc import Sequence

from slipway_workflows.pod import POD_SECURITY
from slipway_workflows.step import flag
from slipway_workflows.strict_hera import (
    Container,
    Histogram,
    LabelValueFrom,
    MetricLabel,
    Metrics,
    Mutex,
    Parameter,
    PodGC,
    Prometheus,
    Steps,
    Suspend,
    Synchronization,
    TTLStrategy,
    WorkflowMetadata,
    WorkflowTemplate,
)

NAMESPACE = "slipway"
"""Where workflows run."""

KEPT = TTLStrategy(seconds_after_success=7 * 86400, seconds_after_failure=30 * 86400)
"""A finished workflow stays for a week, a failed one for a month: somebody may ask why. Evidence is in MLflow."""

RELEASE_LOCK = "release-staging"
"""One release at a time: held by the whole workflow, so no leaf may use this name (a mutex is not re-entrant)."""

SCENARIO, MODEL_VERSION, RUN_ID, VERDICT, STATE = "scenario", "model-version", "run-id", "verdict", "state"


def environment_mutex(parameter: str) -> str:
    """The mutex of the environment that an input names; leaves hold it, one at a time."""
    return f"env-{{{{inputs.parameters.{flag(parameter)}}}}}"


def output(step: str, name: str) -> str:
    """The simple tag of a step's output: the one form that works in steps, in DAGs and nested."""
    return f"{{{{steps.{step}.outputs.parameters.{name}}}}}"


def when(tag: str, operator: str, value: str) -> str:
    """A `when` clause of the one form that works: both sides quoted."""
    return f'"{tag}" {operator} "{value}"'


def template(
    name: str,
    description: str,
    main: Steps,
    parts: Sequence[Container | Steps | Suspend],
    *,
    on_exit: Container | None = None,
    locked: bool = False,
) -> WorkflowTemplate:
    """A WorkflowTemplate that works alone and nested; `locked`: it owns staging while it runs alone."""
    parameters = [p for p in main.inputs or [] if isinstance(p, Parameter)]
    return WorkflowTemplate(
        name=name,
        annotations={"workflows.argoproj.io/description": description},
        labels={"app.kubernetes.io/part-of": "slipway"},
        entrypoint="main",
        arguments=parameters,
        templates=[main, *parts, *([on_exit] if on_exit else [])],
        on_exit=on_exit.name if on_exit else None,
        synchronization=Synchronization(mutexes=[Mutex(name=RELEASE_LOCK)]) if locked else None,
        ttl_strategy=KEPT,
        # pods that failed stay until the workflow goes: their events say why
        pod_gc=PodGC(strategy="OnPodSuccess"),
        security_context=POD_SECURITY,
        workflow_metadata=WorkflowMetadata(labels=searchable(name), labels_from=_asked(parameters)),
        metrics=Metrics(prometheus=[_duration(name)]),
    )


def searchable(name: str) -> dict[str, str]:
    """Labels of each workflow, for the search of the UI."""
    return {"app.kubernetes.io/part-of": "slipway", "slipway.dev/template": name}


def _asked(parameters: Sequence[Parameter]) -> dict[str, LabelValueFrom] | None:
    """Labels of what a workflow was started with; what a release found out itself is labelled by `finish`."""
    known = {"model-version": MODEL_VERSION, "environment": "target-environment"}
    names = {parameter.name for parameter in parameters}
    found = {
        f"slipway.dev/{label}": LabelValueFrom(expression=f"workflow.parameters['{name}']")
        for label, name in known.items()
        if name in names
    }
    return found or None


def _duration(name: str) -> Prometheus:
    return Prometheus(
        name="slipway_workflow_duration_seconds",
        help="Duration of a workflow.",
        labels=[MetricLabel(key="template", value=name), MetricLabel(key="status", value="{{workflow.status}}")],
        # a release takes one to twenty minutes
        histogram=Histogram(value="{{workflow.duration}}", buckets=[60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0]),
    )
