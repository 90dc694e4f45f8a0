"""The exit handler of a release: whatever happened, no environment is left half done."""

from pydantic import BaseModel, Field

from slipway_steps.actions.rollout import say, undo
from slipway_steps.domain.environment import Environment
from slipway_steps.ports import World


class Params(BaseModel):
    """Whose leftovers."""

    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """Nothing: it succeeded or it failed."""


def run(params: Params, world: World) -> Outputs:
    """Undo what this release still holds: it was stopped, or a step of it was killed."""
    for environment in Environment:
        record = world.registry.record(environment)
        if record.open and record.open.release == params.release:
            say(f"{environment}: {params.release} ends in the middle of its {record.open.action}; undoing that")
            undo(world, environment, record, f"release {params.release} ended early")
    return Outputs()
