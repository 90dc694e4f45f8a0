"""Finds out whether an installation has released anything: the first step of `build-initial`."""

from typing import Literal

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.ports import World
from slipway_steps.release.first_version import check_unused
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import StepParameters


class Params(StepParameters):
    """The release that runs this step."""

    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """`vacant`: no release was ever served; at most, a `build-initial` left something half done. `initialized`:
    `build-initial` has completed, and nothing has changed since.
    """

    state: Literal["vacant", "initialized"]


def run(params: Params, world: World) -> Outputs:
    """Read the journals. Raises Refused for an environment that a release has used, so that its versions are never
    touched.
    """
    records = {environment: world.registry.record(environment) for environment in Environment}
    first = records[Environment.STAGING].current
    if first is not None and all(
        record.open is None and record.current == first and record.passed == (first,) for record in records.values()
    ):
        say(f"all environments have their first version: {first}")
        return Outputs(state="initialized")
    check_unused(world, records, params.release)
    say("no release was served yet")
    return Outputs(state="vacant")
