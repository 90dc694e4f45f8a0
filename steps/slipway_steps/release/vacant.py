"""Whether an installation has released anything: the first step of `build-initial`."""

from typing import Literal

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.journal import Record
from slipway_steps.ports import World
from slipway_steps.release.rollout import say


class Params(BaseModel):
    """Who asks."""

    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """`vacant`: nothing was ever served; `initialized`: `build-initial` has run, and nothing since."""

    state: Literal["vacant", "initialized"]


def run(params: Params, world: World) -> Outputs:
    """Look at the journals. Raises Refused for an environment that a release has used: its versions are not touched."""
    records = {environment: world.registry.record(environment) for environment in Environment}
    mine = [record for record in records.values() if _begun_by(record, params.release)]
    if all(record == Record() for record in records.values() if record not in mine):
        say("nothing was served yet")
        return Outputs(state="vacant")
    first = records[Environment.STAGING].current
    if first is not None and all(
        record.open is None and record.current == first and record.passed == (first,) for record in records.values()
    ):
        say(f"all environments have their first version: {first}")
        return Outputs(state="initialized")
    used = ", ".join(environment for environment, record in records.items() if record != Record())
    raise Refused(f"{used}: in use", "build-initial is for an installation that has released nothing")


def _begun_by(record: Record, release: str) -> bool:
    return record.open is not None and record.open.release == release
