"""Functions and constants that several templates of the catalog use."""

from collections.abc import Collection, Sequence

from slipway_workflows.pod import POD_SECURITY
from slipway_workflows.step import parameter_name, pod_template
from slipway_workflows.strict_hera import (
    Container,
    ContinueOn,
    Histogram,
    LabelValueFrom,
    MetricLabel,
    Metrics,
    Mutex,
    Parameter,
    PodGC,
    Prometheus,
    Step,
    Steps,
    Suspend,
    Synchronization,
    TTLStrategy,
    WorkflowMetadata,
    WorkflowTemplate,
)

NAMESPACE = "slipway"
"""The namespace in which workflows run."""

TTL = TTLStrategy(seconds_after_success=7 * 86400, seconds_after_failure=30 * 86400)
"""How long an ended workflow is kept: a week after success, a month after a failure, so that people can find the cause.

The reports of the gates are in MLflow and stay there."""

RELEASE_LOCK = "release-staging"
"""The mutex that allows one release at a time. The whole workflow holds it.

No template inside may take it too: a mutex is not re-entrant."""

SCENARIO, MODEL_VERSION, RUN_ID, VERDICT, STATE = "scenario", "model-version", "run-id", "verdict", "state"


def environment_mutex(parameter: str) -> str:
    """The mutex of the environment that the input `parameter` names. Templates that run a pod take it."""
    return f"env-{{{{inputs.parameters.{parameter_name(parameter)}}}}}"


def output(step: str, name: str) -> str:
    """The simple tag that reads an output of a step of the same template."""
    return f"{{{{steps.{step}.outputs.parameters.{name}}}}}"


def when(tag: str, operator: str, value: str) -> str:
    """A `when` clause with both sides in quotes. Without quotes Argo would parse the value as an expression."""
    return f'"{tag}" {operator} "{value}"'


def first_not_pass(gates: Sequence[str]) -> str:
    """The expression for the verdict of several gates: `reject` if any rejected, else the first verdict, in the order
    of `gates`, that is not `pass`.

    A gate that was skipped has its default verdict, so every output can be read without `?.`.
    """
    verdicts = [f"steps['{gate}'].outputs.parameters.{VERDICT}" for gate in gates]
    rejected = " || ".join(f"{verdict} == 'reject'" for verdict in verdicts)
    return (
        f"({rejected}) ? 'reject' : "
        + "".join(f"{verdict} != 'pass' ? {verdict} : " for verdict in verdicts[:-1])
        + verdicts[-1]
    )


def template(
    name: str,
    description: str,
    main: Steps,
    parts: Sequence[Container | Steps | Suspend],
    *,
    on_exit: Sequence[Container | Steps] = (),
    lock: str = "",
    inner: Collection[str] = (),
    deadline: int | None = None,
) -> WorkflowTemplate:
    """A WorkflowTemplate that works both alone and nested.

    main: its entry point, whose inputs become the arguments of the workflow, and so the fields of the UI's form. parts:
    the other templates. on_exit: the exit handler, followed by the templates of its steps. lock: the mutex that the
    whole workflow holds when it runs alone. inner: names of inputs that only other templates set; people do not see
    them. deadline: seconds after which a workflow that runs alone is ended.
    """
    parameters = [p for p in main.inputs or [] if isinstance(p, Parameter) and p.name not in inner]
    return WorkflowTemplate(
        name=name,
        annotations={"workflows.argoproj.io/description": description},
        labels={"app.kubernetes.io/part-of": "slipway"},
        entrypoint="main",
        arguments=parameters,
        templates=[main, *parts, *on_exit],
        on_exit=on_exit[0].name if on_exit else None,
        active_deadline_seconds=deadline,
        synchronization=Synchronization(mutexes=[Mutex(name=lock)]) if lock else None,
        ttl_strategy=TTL,
        # failed pods are kept as long as the workflow, because their events tell the cause
        pod_gc=PodGC(strategy="OnPodSuccess"),
        security_context=POD_SECURITY,
        workflow_metadata=WorkflowMetadata(labels=search_labels(name), labels_from=_parameter_labels(parameters)),
        metrics=Metrics(prometheus=[_duration(name)]),
    )


def exit_handler() -> list[Container | Steps]:
    """The exit handler of a workflow with gates, followed by the templates of its steps, which run side by side.

    `finish` undoes what was left half done, and only it decides how the exit handler ends. `report` needs an image with
    matplotlib, which training has; that image is large, and nothing that keeps an environment safe should wait for it.
    """
    finish = pod_template("finish")
    report = pod_template("report", image="train", resources="steps", deadline=300, global_output="report-url")
    with Steps(name="exit-handler") as steps, steps.parallel():
        Step(name="finish", template=finish.name)
        Step(name="report", template=report.name, continue_on=ContinueOn(failed=True, error=True))
    return [steps, finish, report]


def search_labels(name: str) -> dict[str, str]:
    """Labels of every workflow of the template `name`, for the search in Argo's UI."""
    return {"app.kubernetes.io/part-of": "slipway", "slipway.dev/template": name}


def _parameter_labels(parameters: Sequence[Parameter]) -> dict[str, LabelValueFrom] | None:
    """Labels with parameters that the workflow was started with.

    What a release finds out while it runs, such as its model version, is added as labels by the step `finish`.
    """
    known = {"model-version": MODEL_VERSION, "environment": "target-environment"}
    names = {parameter.name for parameter in parameters}
    found = {
        f"slipway.dev/{label}": LabelValueFrom(expression=f"workflow.parameters['{name}']")
        for label, name in known.items()
        if name in names
    }
    return found or None


def _duration(name: str) -> Prometheus:
    """A Prometheus histogram of the duration of the workflows of a template, in seconds."""
    return Prometheus(
        name="slipway_workflow_duration_seconds",
        help="Duration of a workflow.",
        labels=[MetricLabel(key="template", value=name), MetricLabel(key="status", value="{{workflow.status}}")],
        # a release takes one to twenty minutes
        histogram=Histogram(value="{{workflow.duration}}", buckets=[60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0]),
    )
