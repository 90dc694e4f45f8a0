"""`slipway doctor`: where the world is not what the journal says, and mending it."""

import click

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import SlipwayError


@click.command()
@click.option("--mend", is_flag=True, help="Bring alias, tag, deployment and app back to what the journal says.")
def doctor(mend: bool) -> int:
    """Find drift between the journal, MLflow's aliases, image tags and what is deployed and answers.

    Looks at this machine, or with SLIPWAY_PLATFORM=kubernetes at a cluster. Exit codes: 0 none is left, 1 some is.
    """
    from slipway_steps.settings import Settings

    settings = Settings()
    local = settings.platform == "local" and not settings.tracking_uri
    if local and not (settings.home / "mlflow" / "mlflow.db").exists():
        click.echo("nothing was ever released here")
        return 0
    from slipway_steps.adapters.world import make_world
    from slipway_steps.release import drift

    world, left = make_world(settings), 0
    for environment in Environment:
        release = drift.owner(world, environment)
        if release:
            click.echo(f"{environment}: left to release {release}, which works on it")
            continue
        found = drift.find(world, environment)
        for one in found:
            click.echo(f"{environment}: {one.kind}: {one.found}; the journal has: {one.wanted}")
        if not found:
            click.echo(f"{environment}: as the journal says: {world.registry.record(environment).current or 'nothing'}")
            continue
        try:
            remaining = drift.mend(world, environment) if mend else found
        except SlipwayError as error:
            click.echo(f"error: {error}", err=True)
            remaining = found
        if mend and not remaining:
            click.echo(f"{environment}: mended")
        left += len(remaining)
    if left and not mend:
        click.echo("mend it: slipway doctor --mend", err=True)
    return 1 if left else 0
