"""Puts an environment back to what passed there last."""

from pydantic import BaseModel, Field

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.journal import Intent, Record, way_back
from slipway_steps.ports import World
from slipway_steps.release.rollout import complete_revert, say, take_over
from slipway_steps.release.step_parameters import StepParameters


class Params(StepParameters):
    """What has to go, where, and why."""

    model_version: str = Field("", description="MLflow's version that has to go; empty: what is there now.")
    target_environment: Environment = Field(Environment.STAGING, description="The environment to put back.")
    reason: str = Field("by hand", description="Why; kept with the version that has to go.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """Nothing: it succeeded or it failed."""


def _failed(record: Record, version: str) -> Candidate | None:
    """What has to go: what is being deployed, else what stands there; None where that is not the version named."""
    found = record.open.target if record.open else record.current
    return found if found and version in ("", found.version) else None


def run(params: Params, world: World) -> Outputs:
    """Back to what stood there before if that passed, else to what passed last, else to nothing; never to what failed.

    Run twice, or again after a kill at any point, it ends the same. Raises Refused while another release owns the
    environment, PlatformError where the version to go back to does not come up.
    """
    environment = params.target_environment
    owner = world.registry.record(environment).open
    named = params.model_version in ("", owner.target.version if owner and owner.target else "")
    record = take_over(world, environment, params.release, adopt=owner.target if owner and named else None)
    if owner and owner.release != params.release and record.open is None and not params.model_version:
        return Outputs()  # what the dead release left has just been undone: that was it
    mine = record.open is not None and record.open.action == "revert"
    if not mine:
        if record.open is None and record.reverted and record.reverted.release == params.release:
            say(f"{environment}: {params.release} has reverted it already")
            return Outputs()
        failed = _failed(record, params.model_version)
        if failed is None:
            there = record.current or "nothing"
            say(f"{environment}: serves {there}, not version {params.model_version or '?'}: nothing to revert")
            return Outputs()
        intent = Intent(
            release=params.release,
            action="revert",
            target=way_back(record, failed),
            before=failed,
            reason=params.reason,
        )
        say(f"{environment}: {failed} has to go ({params.reason})")
        record = record.opened(intent).disowned(failed)
        world.registry.write_record(environment, record)
    complete_revert(world, environment, record)
    return Outputs()
