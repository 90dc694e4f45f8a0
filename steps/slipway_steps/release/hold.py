"""Ends a release that passed its tests in staging without promoting it (`auto-promote=false`). A person promotes it
later.
"""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import ORDER, Environment, target_of
from slipway_steps.ports import World
from slipway_steps.release.candidate_proof import close_source, confirm_passed, proven_candidate
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters


class Params(StepParameters):
    """The model version that stays, and its environment."""

    model_version: str = Field(
        "",
        description="MLflow's version of the model; empty: what the source environment serves.",
        pattern=OPTIONAL_VERSION,
    )
    source_environment: Environment = Field(Environment.STAGING, description="The environment in which it passed.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The step has no outputs: it succeeds or fails."""


def run(params: Params, world: World) -> Outputs:
    """Check the evidence, make the candidate the version that staging goes back to, and let other releases use staging.
    Raises Refused where evidence is missing or the source serves another version.
    """
    source = params.source_environment
    candidate, record = proven_candidate(world, source, params.model_version, params.release)
    record = confirm_passed(world, source, record, candidate)
    close_source(world, source, record, params.release)
    more = "" if source is ORDER[-1] else f"; promote it with: slipway promote --to {target_of(source)}"
    say(f"{source}: {candidate} passed and is held here{more}")
    return Outputs()
