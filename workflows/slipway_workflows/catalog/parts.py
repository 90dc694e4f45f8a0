"""What several templates share."""

from collections.abc import Sequence

from slipway_workflows.step import flag
from slipway_workflows.strict_hera import Container, Mutex, Parameter, Steps, Synchronization, WorkflowTemplate

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
    parts: Sequence[Container | Steps],
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
    )
