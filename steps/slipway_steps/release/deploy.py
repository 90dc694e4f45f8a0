"""Deploys a model version to staging, where the gates judge it."""

from enum import StrEnum

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.journal import Intent
from slipway_steps.ports import World
from slipway_steps.release.rollout import deploy_and_wait, say, take_over
from slipway_steps.release.step_parameters import VERSION, StepParameters


class State(StrEnum):
    """How a deployment ended. An unhealthy candidate is a result, not an error: the gates then name the cause."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Params(StepParameters):
    """The model version to deploy, and the environment."""

    model_version: str = Field(
        description="MLflow's version of the model. Its image has to be built already.", pattern=VERSION
    )
    target_environment: Environment = Field(
        Environment.STAGING, description="The environment to deploy to; only staging is accepted."
    )
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """Whether the deployed candidate is healthy."""

    state: State


def run(params: Params, world: World) -> Outputs:
    """Deploy the version and wait. The alias moves only to a version that serves. From here on the release owns
    staging.

    Raises Refused for an environment other than staging, for a version without an image, and while another release owns
    staging.
    """
    environment = params.target_environment
    if environment is not Environment.STAGING:
        raise Refused(f"nothing is deployed to {environment}", f"promote to it: slipway promote --to {environment}")
    candidate = world.registry.candidate(params.model_version)
    record = take_over(world, environment, params.release)
    before = record.open.before if record.open else record.current
    record = record.opened(Intent(release=params.release, action="deploy", target=candidate, before=before))
    world.registry.write_record(environment, record)
    healthy = deploy_and_wait(world, environment, candidate, params.release)
    if healthy:
        world.registry.set_alias(environment.value, candidate.version)
    world.registry.write_record(environment, record.with_current(candidate))
    say(f"{environment}: {candidate} is {'healthy' if healthy else 'unhealthy; the alias stays where it was'}")
    return Outputs(state=State.HEALTHY if healthy else State.UNHEALTHY)
