"""Puts an environment back to what passed there last."""

from pydantic import BaseModel, Field

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.journal import Intent, Record, revert_target
from slipway_steps.domain.verdict import Verdict
from slipway_steps.ports import World
from slipway_steps.release.rollout import complete_revert, say, take_over, undo
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters


class Params(StepParameters):
    """The version that has to be removed, its environment, and the reason."""

    model_version: str = Field(
        "",
        description="MLflow's version of the model to remove; empty: what the environment serves.",
        pattern=OPTIONAL_VERSION,
    )
    target_environment: Environment = Field(Environment.STAGING, description="The environment to revert.")
    reason: str = Field("by hand", description="Why it is reverted; stored with the version that is removed.")
    verdict: Verdict = Field(
        Verdict.REJECT,
        description="Verdict of the gates. `inconclusive` and `error` say nothing about a version that has passed here "
        "before, so it is kept.",
    )
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The step has no outputs: it succeeds or fails."""


def _failed(record: Record, version: str) -> Candidate | None:
    """The candidate that has to be removed: what is being deployed, else what is deployed; None where that is not the
    given version.
    """
    found = record.open.target if record.open else record.current
    return found if found and version in ("", found.version) else None


def run(params: Params, world: World) -> Outputs:
    """Go back to what was deployed before if that passed here, else to what passed last, else empty the environment. It
    never goes back to a version that failed.

    Running it twice, or again after it was killed at any point, gives the same result. Raises Refused while another
    release owns the environment, PlatformError where the version to go back to does not start.
    """
    environment = params.target_environment
    owner = world.registry.record(environment).open
    named = params.model_version in ("", owner.target.version if owner and owner.target else "")
    record = take_over(world, environment, params.release, adopt=owner.target if owner and named else None)
    if owner and owner.release != params.release and record.open is None and not params.model_version:
        return Outputs()  # take_over has just undone what the dead release left, which is the revert that was asked for
    mine = record.open is not None and record.open.action == "revert"
    if not mine:
        if record.open is None and record.reverted and record.reverted.release == params.release:
            say(f"{environment}: {params.release} has reverted it already")
            return Outputs()
        failed = _failed(record, params.model_version)
        if params.verdict is not Verdict.REJECT and failed and failed == record.last_good:
            say(f"{environment}: {failed} passed here and stays: the gates say nothing against it ({params.verdict})")
            undo(world, environment, record, params.reason)
            return Outputs()
        if failed is None:
            there = record.current or "nothing"
            say(f"{environment}: serves {there}, not version {params.model_version or '?'}: nothing to revert")
            return Outputs()
        intent = Intent(
            release=params.release,
            action="revert",
            target=revert_target(record, failed),
            before=failed,
            reason=params.reason,
        )
        say(f"{environment}: {failed} is reverted ({params.reason})")
        record = record.opened(intent).without_passed(failed)
        world.registry.write_record(environment, record)
    complete_revert(world, environment, record)
    return Outputs()
