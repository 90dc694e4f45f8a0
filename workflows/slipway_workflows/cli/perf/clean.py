"""`slipway perf clean`: removes what sessions left behind whose program was killed."""

import time

import click

from slipway_steps.domain.perf_scenario import TARGETS
from slipway_steps.domain.plural import so_many
from slipway_workflows.cli import fail
from slipway_workflows.cli.settings import current_settings


@click.command()
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="local",
    show_default=True,
    help="Also what sessions of any machine have left there, once the time is over until which they may run.",
)
def clean(target: str) -> int:
    """Remove what killed sessions left behind: processes, workflows, experiments. Runs that had ended are kept.

    The sessions of this machine are known by their directories, wherever their pipelines ran. Sessions that still run
    are left alone. Exit codes: 0 nothing is left, 1 something could not be removed.
    """
    from slipway_steps.adapters.targets.choice import make_target
    from slipway_steps.adapters.world import make_world
    from slipway_steps.perf.clean import clean as clean_sessions
    from slipway_steps.perf.clean import clean_target
    from slipway_steps.perf.serving_apps import clean_served

    settings = current_settings()
    failed, found = False, False
    for one in clean_sessions(settings.home / "perf", lambda name: make_target(name, settings)):
        found = True
        if one.error:
            failed = True
            fail(f"{one.session}: {one.error}")
            continue
        done = f"removed {', '.join(one.removed)}" if one.removed else "nothing was left"
        click.echo(f"{one.session}: {done}; {so_many(one.runs, 'run')} kept")
    for home in clean_served(make_world(settings), settings.home / "perf"):
        found = True
        click.echo(f"ended the app of {home}")
    for left in clean_target(make_target(target, settings), time.time()):
        found = True
        if left.error:
            failed = True
            fail(str(left))
        else:
            click.echo(str(left))
    if not found:
        click.echo("nothing to clean up")
    return 1 if failed else 0
