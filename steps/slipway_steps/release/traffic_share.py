"""Gives the canary a share of production's traffic, and takes it back.

The journal is written before the route is told, so whoever comes after a kill knows that there may be a share.
"""

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.journal import Record, Shift
from slipway_steps.domain.traffic import Share
from slipway_steps.ports import World


def give(world: World, record: Record, release: str, share: Share) -> Record:
    """Give the canary a share, in the name of `release`. record: production's. Returns the record with it."""
    told = record.with_traffic(Shift(release=release, share=share))
    world.registry.write_record(Environment.PRODUCTION, told)
    world.traffic.set_share(share)
    print(f"{Environment.PRODUCTION}: {share.percent} % of the requests go to {Environment.CANARY}", flush=True)
    return told


def take_back(world: World, environment: Environment, record: Record) -> Record:
    """Let production have all requests again. Nothing happens for another environment, or where it has them."""
    if environment is not Environment.PRODUCTION or record.traffic is None:
        return record
    world.traffic.set_share(Share())
    told = record.with_traffic(None)
    world.registry.write_record(environment, told)
    print(f"{environment}: all requests go to {environment} again", flush=True)
    return told
