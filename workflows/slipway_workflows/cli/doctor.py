"""`slipway doctor`: where the world is not what the journal says, and mending it."""

from typing import TYPE_CHECKING

import click

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import SlipwayError

if TYPE_CHECKING:
    from slipway_steps.ports import World
    from slipway_steps.release.drift import Drift
    from slipway_steps.settings import Settings


@click.command()
@click.option("--mend", is_flag=True, help="Bring alias, tag, deployment and app back to what the journal says.")
def doctor(mend: bool) -> int:
    """Find drift between the journal, MLflow's aliases, image tags and what is deployed and answers.

    Looks at this machine, or with SLIPWAY_PLATFORM=kubernetes at a cluster. Exit codes: 0 none is left, 1 some is.
    """
    from slipway_steps.adapters.world import make_world
    from slipway_workflows.cli.settings import current_settings

    settings = current_settings()
    if nothing_released(settings):
        return 0
    left = look(make_world(settings), mend)
    if left and not mend:
        click.echo("mend it: slipway doctor --mend", err=True)
    return 1 if left else 0


def nothing_released(settings: "Settings") -> bool:
    """Whether this machine has no journal yet; says so. Opening one would make it."""
    local = settings.platform == "local" and not settings.tracking_uri
    nothing = local and not (settings.home / "mlflow" / "mlflow.db").exists()
    if nothing:
        click.echo("nothing was ever released here")
    return nothing


def look(world: "World", mend: bool) -> int:
    """Print what each environment has that the journal has not, `mend` it, and return how much is left. An environment
    that cannot be looked at or mended is said, and keeps none of the others from it.
    """
    from slipway_steps.release import drift

    left = 0
    for environment in Environment:
        release = drift.owner(world, environment)
        if release:
            click.echo(f"{environment}: left to release {release}, which works on it")
            continue
        try:
            left += len(_look_at(world, environment, mend))
        except SlipwayError as error:
            click.echo(f"error: {error}", err=True)
            left += 1
    return left


def _look_at(world: "World", environment: Environment, mend: bool) -> "list[Drift]":
    """What is left. Raises SlipwayError where mending fails."""
    from slipway_steps.release import drift

    found = drift.find(world, environment)
    for one in found:
        click.echo(f"{environment}: {one.kind}: {one.found}; the journal has: {one.wanted}")
    if not found:
        click.echo(f"{environment}: as the journal says: {world.registry.record(environment).current or 'nothing'}")
        return []
    if not mend:
        return found
    remaining = drift.mend(world, environment)
    if not remaining:
        click.echo(f"{environment}: mended")
    return remaining
