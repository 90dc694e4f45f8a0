"""Finds, and where asked to mends, what in the environments is not as the journal says; tells people of it."""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.ports import World
from slipway_steps.release import drift
from slipway_steps.release.drift import Drift
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import StepParameters


class DriftFound(SlipwayError):
    """Something is not as the journal says, and was not mended."""


class Params(StepParameters):
    """What a person or the workflow does about the drift that was found."""

    mend: bool = Field(False, description="`true`: bring everything back to what the journal says.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """Nothing: it succeeded or it failed."""


def run(params: Params, world: World) -> Outputs:
    """Look at each environment; tell people where one is not as the journal says. Raises DriftFound: some is left."""
    left = check_environments(world, params.mend)
    if not left:
        return Outputs()
    try:
        if world.notifier.notify(f"{params.release}: {len(left)} not as the journal says", left):
            say("told by webhook")
    except SlipwayError as error:
        say(f"warning: {error}")
    hint = "see the lines above" if params.mend else "mend it: slipway doctor --cluster --mend"
    raise DriftFound(f"{len(left)} not as the journal says: {'; '.join(left)}", hint)


def check_environments(world: World, mend: bool) -> list[str]:
    """Print what each environment has that the journal has not, mend it where asked to, and return what is left, a line
    each. An environment that cannot be looked at or mended is said, and keeps none of the others from it.
    """
    left: list[str] = []
    for environment in Environment:
        release = drift.owner(world, environment)
        if release:
            say(f"{environment}: not checked, because release {release} is working on it")
            continue
        try:
            left += [_line(one) for one in _check(world, environment, mend)]
        except SlipwayError as error:
            say(f"error: {error}")
            left.append(f"{environment}: {error}")
    return left


def _line(one: Drift) -> str:
    return f"{one.environment}: {one.kind}: {one.found}; the journal has: {one.wanted}"


def _check(world: World, environment: Environment, mend: bool) -> list[Drift]:
    """What is left. Raises SlipwayError where mending fails."""
    found = drift.find(world, environment)
    for one in found:
        say(_line(one))
    if not found:
        say(f"{environment}: as the journal says: {world.registry.record(environment).current or 'nothing'}")
        return []
    if not mend:
        return found
    remaining = drift.mend(world, environment)
    if not remaining:
        say(f"{environment}: mended")
    return remaining
