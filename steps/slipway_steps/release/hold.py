"""Ends a release that passed at staging: `auto-promote=false`, a person promotes it."""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment, target_of
from slipway_steps.ports import World
from slipway_steps.release.candidate_proof import confirm, proven, release_source
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import StepParameters


class Params(StepParameters):
    """What is held, and where."""

    model_version: str = Field("", description="MLflow's version; empty: what the source environment holds.")
    source_environment: Environment = Field(Environment.STAGING, description="Where it passed.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """Nothing: it succeeded or it failed."""


def run(params: Params, world: World) -> Outputs:
    """Check the evidence, make it the version staging goes back to, and release staging. Raises Refused."""
    source = params.source_environment
    candidate, record = proven(world, source, params.model_version, params.release)
    record = confirm(world, source, record, candidate)
    release_source(world, source, record, params.release)
    say(f"{source}: {candidate} passed and is held here; promote it with: slipway promote --to {target_of(source)}")
    return Outputs()
