"""Gives the version of canary the next share of production's traffic."""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.journal import Intent
from slipway_steps.domain.traffic import DEFAULT_WEIGHTS, Share, parse_weights
from slipway_steps.ports import World
from slipway_steps.release.candidate_proof import proven_candidate
from slipway_steps.release.rollout import serves, take_over
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters
from slipway_steps.release.traffic_share import give

PRODUCTION, CANARY = Environment.PRODUCTION, Environment.CANARY


class Params(StepParameters):
    """The shares, and which of them is next."""

    model_version: str = Field(
        "", description="MLflow's version of the model; empty: what canary serves.", pattern=OPTIONAL_VERSION
    )
    weights: str = Field(
        ",".join(map(str, DEFAULT_WEIGHTS)),
        description="Percent of production's requests that the canary gets, one step after the other: `5,10,25,50`.",
    )
    done: int = Field(0, ge=0, description="How many of the weights the canary has had.")
    approved: bool = Field(False, description="`true`: a person has approved the promotion; production needs that.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The weight that counts now, how many the canary has had with it, how many there are, and whether it is the last
    one (`true` or `false`).
    """

    weight: str
    done: str
    steps: str
    last: str


def run(params: Params, world: World) -> Outputs:
    """Open production and canary for this release, and give the canary its next share. Running it again changes
    nothing.

    Raises BadInput for weights that do not rise, Refused without an approval, without evidence, or where production
    serves nothing, nothing else, or does not answer.
    """
    weights = parse_weights(params.weights)
    if params.done >= len(weights):
        raise BadInput(f"{params.done} of {len(weights)} weights are done: none is left", "begin with done=0")
    if not params.approved:
        raise Refused(
            "promotion to production needs a person's approval", "slipway promote --to production --strategy canary"
        )
    candidate, canary = proven_candidate(world, CANARY, params.model_version, params.release)
    production = take_over(world, PRODUCTION, params.release)
    if production.current is None:
        raise Refused("production serves nothing, so nothing can be shared", "slipway promote --to production")
    if production.current.version == candidate.version:
        raise Refused(f"production serves {candidate} already", "release another version first")
    for environment, current in ((PRODUCTION, production.current), (CANARY, candidate)):
        if not serves(world, environment, current):
            raise Refused(
                f"{environment} does not serve {current}", f"mend it first: slipway doctor {environment} --mend"
            )
    own = Intent(release=params.release, action="shift", target=candidate, before=candidate)
    if canary.open != own:
        world.registry.write_record(CANARY, canary.opened(own))
    intent = own.model_copy(update={"before": production.current})
    if production.open != intent:
        production = production.opened(intent)
        world.registry.write_record(PRODUCTION, production)
    weight = weights[params.done]
    give(world, production, params.release, Share(percent=weight))
    done = params.done + 1
    last = "true" if done == len(weights) else "false"
    return Outputs(weight=str(weight), done=str(done), steps=str(len(weights)), last=last)
