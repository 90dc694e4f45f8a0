"""`slipway doctor`: finds, and on request repairs, what differs from the journal of the environments."""

from typing import TYPE_CHECKING

import click

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import SlipwayError

if TYPE_CHECKING:
    from slipway_steps.ports import World
    from slipway_steps.release.drift import Drift
    from slipway_steps.settings import Settings


@click.command()
@click.option("--mend", is_flag=True, help="Repair alias, image tag, deployment and app to what the journal says.")
def doctor(mend: bool) -> int:
    """Compare the journal with MLflow's aliases, the image tags, the deployments and the answers of the apps.

    Checks this machine, or with SLIPWAY_PLATFORM=kubernetes a cluster. Exit codes: 0 no difference is left, 1 some is.
    """
    from slipway_steps.adapters.world import make_world
    from slipway_workflows.cli.settings import current_settings

    settings = current_settings()
    if nothing_released(settings):
        return 0
    left = check_environments(make_world(settings), mend)
    if left and not mend:
        click.echo("mend it: slipway doctor --mend", err=True)
    return 1 if left else 0


def nothing_released(settings: "Settings") -> bool:
    """Whether this machine has no journal yet; then a line says so. It is not opened, because that would create it."""
    local = settings.platform == "local" and not settings.tracking_uri
    empty = local and not (settings.home / "mlflow" / "mlflow.db").exists()
    if empty:
        click.echo("nothing was ever released here")
    return empty


def check_environments(world: "World", mend: bool) -> int:
    """Print how each environment differs from its journal; returns how many differences are left.

    mend: whether to repair them. An environment that cannot be checked or repaired counts as one difference; its error
    is printed, and the other environments are still checked.
    """
    from slipway_steps.release import drift

    left = 0
    for environment in Environment:
        release = drift.owner(world, environment)
        if release:
            click.echo(f"{environment}: not checked, because release {release} is working on it")
            continue
        try:
            left += len(_check(world, environment, mend))
        except SlipwayError as error:
            click.echo(f"error: {error}", err=True)
            left += 1
    return left


def _check(world: "World", environment: Environment, mend: bool) -> "list[Drift]":
    """The differences that are left in one environment. Raises SlipwayError where the repair fails."""
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
