"""Puts one first version into all environments: the last step of `build-initial`."""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.journal import Intent, Record
from slipway_steps.ports import World
from slipway_steps.release.first_version import REASON, check_unused
from slipway_steps.release.rollout import deploy_and_wait, say, undo
from slipway_steps.release.step_parameters import VERSION, StepParameters


class Params(StepParameters):
    """The model version that all environments get."""

    model_version: str = Field(description="MLflow's version of the model.", pattern=VERSION)
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The step has no outputs: it succeeds or fails."""


def run(params: Params, world: World) -> Outputs:
    """Deploy the version to every environment, with its alias and as `last_good`. It can be run again by the same
    release, or by another after this one died: an environment that got the first version of an earlier one then gets
    this one.

    Raises Refused, before anything is changed, for an environment that something else has used, and PlatformError where
    the version does not start.
    """
    candidate = world.registry.candidate(params.model_version)
    records = {environment: world.registry.record(environment) for environment in Environment}
    check_unused(world, records, params.release)
    for environment, record in records.items():
        # no revert may go back to what an earlier build-initial deployed
        opened = Record(reverted=record.reverted).opened(
            Intent(release=params.release, action="promote", target=candidate, before=None, reason=REASON)
        )
        world.registry.write_record(environment, opened)
        if not deploy_and_wait(world, environment, candidate, params.release):
            undo(world, environment, opened, "the first version did not start")
            raise PlatformError(f"{candidate} does not start in {environment}", "look at its pods, then run it again")
        world.registry.set_alias(environment.value, candidate.version)
        world.registry.write_record(environment, opened.with_current(candidate).confirmed(candidate).closed())
        say(f"{environment}: serves its first version, {candidate}")
    return Outputs()
