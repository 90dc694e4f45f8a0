"""The exit handler of a release: whatever happened, no environment is left half done."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from slipway_steps.domain.approval import refusal, unanswered_question
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Broken, Refused, SlipwayError
from slipway_steps.domain.failed_step import FailedStep, failed_steps
from slipway_steps.domain.verdict import Check, GateReport
from slipway_steps.ports import World
from slipway_steps.release.links import release_links
from slipway_steps.release.rollout import say, undo
from slipway_steps.release.step_parameters import StepParameters
from slipway_steps.release.traffic_share import take_back


class Params(StepParameters):
    """The release that has ended, and how."""

    release: str = Field(description="Name of the workflow.")
    workflow_status: str = Field("", description="Phase of the workflow: Succeeded, Failed or Error.")
    workflow_failures: str = Field("", description="The steps that failed, as Argo's `workflow.failures` lists them.")


class Outputs(BaseModel):
    """What the end of a question to a person means where it was not answered: `rejected by a person` after a stop,
    `nobody answered in time` after the deadline. `none` for every other workflow.
    """

    answer: str


def run(params: Params, world: World) -> Outputs:
    """Undo what this release has not finished because it was stopped or one of its steps was killed. Then label its
    workflow and send a message.

    A failure in one environment does not stop the others from being undone. Raises one error that names all failures;
    it is Broken, which is retried, where any of them was.
    """
    failed: list[SlipwayError] = []
    for environment in Environment:
        try:
            _undo(environment, params.release, world)
        except SlipwayError as error:
            say(f"{environment}: {error}")
            failed.append(error)
    try:
        reports = world.registry.reports(params.release)
        _label(params, world, reports)
        _tell(params, world, reports, failed)
    except SlipwayError as error:
        # if the exit handler failed, a release that succeeded would be Failed
        say(f"warning: {error}")
    if failed:
        kind = Broken if any(isinstance(error, Broken) for error in failed) else Refused
        raise kind("; ".join(error.message for error in failed), "; ".join(dict.fromkeys(e.hint for e in failed)))
    unanswered = unanswered_question(failed_steps(params.workflow_failures))
    return Outputs(answer=unanswered.value if unanswered else "none")


def _undo(environment: Environment, release: str, world: World) -> None:
    record = world.registry.record(environment)
    if record.open and record.open.release == release:
        say(f"{environment}: {release} ends in the middle of its {record.open.action}; undoing that")
        record = undo(world, environment, record, f"release {release} ended early")
    if record.traffic and record.traffic.release == release:
        take_back(world, environment, record)


def _label(params: Params, world: World, reports: Sequence[GateReport]) -> None:
    """Label the workflow with the version and the environment that it reached, so that the UI can search for them. No
    template knows them beforehand.
    """
    try:
        version = _version(reports)
        if version:
            labels = {"slipway.dev/model-version": version}
            for environment in Environment:
                if _serves(world, environment) == version:
                    labels["slipway.dev/environment"] = environment.value
            world.platform.label_release(params.release, labels)
    except SlipwayError as error:
        say(f"warning: {error}")


def _tell(params: Params, world: World, reports: Sequence[GateReport], failed: list[SlipwayError]) -> None:
    """Print the links, and send a message: how the release ended, gate, value, threshold, which step failed and why,
    what could not be undone, and the links.
    """
    found = release_links(world, params.release)
    for link in found:
        say(link)
    bad = params.workflow_status in ("Failed", "Error") or bool(failed)
    steps = failed_steps(params.workflow_failures)
    lines = [_reached(world, reports)]
    if bad:
        lines += [_check(report, check) for report in reports for check in report.failures()]
        lines += [_why(step, world) for step in _distinct(steps)]
        lines += [f"not undone: {error}" for error in failed]
    lines = [line for line in lines if line]
    said = refusal(steps) or params.workflow_status
    if world.notifier.notify(f"{params.release}: {said}", [*lines, *found], failed=bad):
        say("a message was sent to the webhook")


def _distinct(steps: Sequence[FailedStep]) -> list[FailedStep]:
    """The failed steps; of attempts that failed alike only one. The step `rejected` is left out: it fails on purpose,
    after a gate or a person has spoken.
    """
    found = {(step.template, step.message): step for step in steps if step.template not in ("", "rejected")}
    return list(found.values())


def _why(step: FailedStep, world: World) -> str:
    """`train: Unschedulable: 0/1 nodes are available: ...`. Argo's message of a pod that it gave up only names the
    time limit.
    """
    no_node = ""
    try:
        if step.pod and "Unschedulable" not in step.message:
            no_node = world.platform.unschedulable(step.pod)
    except SlipwayError as error:
        say(f"warning: {error}")
    return (
        f"{step.template}: Unschedulable: {no_node} ({step.message})" if no_node else f"{step.template}: {step.message}"
    )


def _check(report: GateReport, check: Check) -> str:
    threshold = f"(threshold {check.threshold} {check.unit})"
    return f"{report.gate}: {check.code} {check.measured} {threshold}: {check.message}"


def _reached(world: World, reports: Sequence[GateReport]) -> str:
    """Which version the release made, and where it serves now; "" where it made none."""
    version = _version(reports)
    where = [str(one) for one in Environment if version and _serves(world, one) == version]
    return f"model version {version}: serves in {', '.join(where) or 'no environment'}" if version else ""


def _version(reports: Sequence[GateReport]) -> str:
    versions = [report.candidate.version for report in reports if report.candidate.version]
    return versions[-1] if versions else ""


def _serves(world: World, environment: Environment) -> str:
    current = world.registry.record(environment).current
    return current.version if current else ""
