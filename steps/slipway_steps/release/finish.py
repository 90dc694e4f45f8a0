"""The exit handler of a release: whatever happened, no environment is left half done."""

from pydantic import BaseModel, Field

from slipway_steps.domain.approval import refusal, unanswered_question
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Broken, Refused, SlipwayError
from slipway_steps.domain.failed_step import failed_steps
from slipway_steps.ports import World
from slipway_steps.release.links import promotion_link, workflow_link
from slipway_steps.release.rollout import say, undo
from slipway_steps.release.step_parameters import StepParameters


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
    _label(params, world)
    _tell(params, world, failed)
    if failed:
        kind = Broken if any(isinstance(error, Broken) for error in failed) else Refused
        raise kind("; ".join(error.message for error in failed), "; ".join(dict.fromkeys(e.hint for e in failed)))
    unanswered = unanswered_question(failed_steps(params.workflow_failures))
    return Outputs(answer=unanswered.value if unanswered else "none")


def _undo(environment: Environment, release: str, world: World) -> None:
    record = world.registry.record(environment)
    if record.open and record.open.release == release:
        say(f"{environment}: {release} ends in the middle of its {record.open.action}; undoing that")
        undo(world, environment, record, f"release {release} ended early")


def _label(params: Params, world: World) -> None:
    """Label the workflow with the version and the environment that it reached, so that the UI can search for them. No
    template knows them beforehand.
    """
    try:
        versions = [one.candidate.version for one in world.registry.reports(params.release) if one.candidate.version]
        if versions:
            labels = {"slipway.dev/model-version": versions[-1]}
            for environment in Environment:
                current = world.registry.record(environment).current
                if current and current.version == versions[-1]:
                    labels["slipway.dev/environment"] = environment.value
            world.platform.label_release(params.release, labels)
    except SlipwayError as error:
        say(f"warning: {error}")


def links(world: World, release: str) -> list[str]:
    """The address of the workflow in the Argo UI, and of the form that promotes it to production. Empty where the UI's
    address is not set.
    """
    workflow = workflow_link(world.settings, release)
    if not workflow:
        return []
    # whoever submits the form later means this version, not what canary serves by then
    there = world.registry.record(Environment.CANARY).current
    form = promotion_link(world.settings, there.version if there else "")
    return [f"workflow: {workflow}", f"promote to production: {form}"]


def _tell(params: Params, world: World, failed: list[SlipwayError]) -> None:
    """Print the links, and send a message for a release that did not end well: gate, value, threshold, what could not
    be undone, and the links.
    """
    try:
        found = links(world, params.release)
        for link in found:
            say(link)
        if params.workflow_status not in ("Failed", "Error") and not failed:
            return
        lines = [
            f"{report.gate}: {check.code} {check.measured} (threshold {check.threshold} {check.unit}): {check.message}"
            for report in world.registry.reports(params.release)
            for check in report.failures()
        ]
        lines += [f"not undone: {error}" for error in failed]
        said = refusal(failed_steps(params.workflow_failures)) or params.workflow_status
        if world.notifier.notify(f"{params.release}: {said}", [*lines, *found]):
            say("a message was sent to the webhook")
    except SlipwayError as error:
        # if the exit handler failed, a release that succeeded would be Failed
        say(f"warning: {error}")
