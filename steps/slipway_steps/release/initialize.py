"""Puts one first version into all environments: the last step of `build-initial`."""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.journal import Intent, Record
from slipway_steps.ports import World
from slipway_steps.release.first_version import REASON, check_unused
from slipway_steps.release.rollout import bring, say, undo
from slipway_steps.release.step_parameters import StepParameters


class Params(StepParameters):
    """Which version."""

    model_version: str = Field(description="MLflow's version of the model.", min_length=1)
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """Nothing: it succeeded or it failed."""


def run(params: Params, world: World) -> Outputs:
    """Serve it everywhere, with alias and last_good; run again, by this release or after its death by another, it goes
    on: an environment that an earlier one left with its first version gets this one.

    Raises Refused for an environment that something else has used, before anything is changed; PlatformError where the
    version does not come up.
    """
    candidate = world.registry.candidate(params.model_version)
    records = {environment: world.registry.record(environment) for environment in Environment}
    check_unused(world, records, params.release)
    for environment, record in records.items():
        # what an earlier build-initial left is nothing to go back to
        opened = Record(reverted=record.reverted).opened(
            Intent(release=params.release, action="promote", target=candidate, before=None, reason=REASON)
        )
        world.registry.write_record(environment, opened)
        if not bring(world, environment, candidate):
            undo(world, environment, opened, "the first version did not come up")
            raise PlatformError(f"{candidate} does not come up in {environment}", "see its pods, then run it again")
        world.registry.set_alias(environment.value, candidate.version)
        world.registry.write_record(environment, opened.arrived(candidate).confirmed(candidate).closed())
        say(f"{environment}: serves its first version, {candidate}")
    return Outputs()
