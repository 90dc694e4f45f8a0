"""`slipway status`, `slipway env logs`, `slipway up`, `slipway down`: the environments of this machine."""

import json
import time
from typing import TYPE_CHECKING

import click

from slipway_workflows.cli import backend

if TYPE_CHECKING:
    from slipway_workflows.cli.environment_table import EnvironmentStatuses


@click.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@backend.cluster_option
def status(output: str, on_cluster: bool) -> None:
    """Show which version each environment serves, and whether it is up.

    On a cluster this reads the Kubernetes API alone; slipway doctor --cluster checks whether the app answers.
    """
    from slipway_workflows.cli.environment_table import environment_problems, environment_table

    found = _statuses(on_cluster)
    if output == "json":
        click.echo(json.dumps({"environments": found}, indent=2))
    else:
        from rich.console import Console

        Console().print(environment_table(found))
        for reason in environment_problems(found):
            click.echo(reason)


def _statuses(on_cluster: bool) -> "EnvironmentStatuses":
    from slipway_workflows.cli.settings import current_settings

    settings = current_settings()
    if on_cluster or settings.platform == "kubernetes":
        from slipway_workflows.cli.cluster_environments import cluster_environments

        return cluster_environments(settings)
    from slipway_workflows.cli.environment_status import environment_statuses

    return environment_statuses()


@click.group()
def env() -> None:
    """Show the log of an environment."""


@env.command()
@click.argument("environment")
@click.option("--follow", "-f", is_flag=True, help="Go on printing new lines until Ctrl-C.")
def logs(environment: str, follow: bool) -> None:
    """Print the log of the app in ENVIRONMENT."""
    from slipway_steps.domain.environment import parse_environment
    from slipway_steps.domain.errors import BadInput
    from slipway_workflows.cli.environment_status import local_platform

    path = local_platform().log_path(parse_environment(environment))
    if not path.exists():
        raise BadInput(f"{environment} has no log yet: nothing was ever deployed there", "release a model: make run")
    with path.open(errors="replace") as log:
        while True:
            text = log.read()
            if text:
                click.echo(text, nl=False)
            elif not follow:
                return
            else:
                time.sleep(0.2)


@click.command()
def up() -> int:
    """Start the environments and restore in each the version that the journal says.

    Use it after a restart of the machine, after `slipway down`, and when the process of an environment was killed. The
    changes of a release that died half-way are undone. Exit codes: 0 all match the journal, 1 one does not.
    """
    from rich.console import Console

    from slipway_steps.adapters.world import make_world
    from slipway_steps.domain.environment import Environment
    from slipway_steps.domain.errors import BadInput, PlatformError
    from slipway_steps.release import drift
    from slipway_steps.release.doctor import check_environments
    from slipway_workflows.cli.doctor import nothing_released
    from slipway_workflows.cli.environment_status import environment_statuses, local_platform
    from slipway_workflows.cli.environment_table import environment_problems, environment_table
    from slipway_workflows.cli.settings import current_settings

    settings = current_settings()
    if settings.platform != "local":
        raise BadInput(
            "slipway up starts the environments of this machine, and SLIPWAY_PLATFORM is not local",
            "bring a cluster back to the journal with: slipway doctor --mend",
        )
    if nothing_released(settings):
        return 0
    world, platform = make_world(settings), local_platform(settings)
    for environment in Environment:
        if drift.owner(world, environment):
            continue
        try:
            before = platform.status(environment)
            platform.ensure(environment, stopped=True)
        except PlatformError:
            continue  # check_environments below prints the error
        if before.phase in ("Stopped", "Unknown"):
            click.echo(f"{environment}: started version {before.version} again ({before.message.partition(';')[0]})")
    left = check_environments(world, mend=True)
    found = environment_statuses(world.registry)
    Console().print(environment_table(found))
    for reason in environment_problems(found):
        click.echo(reason, err=True)
    return 1 if left else 0


@click.command()
def down() -> None:
    """Stop the environments and the gateway before them; what they serve is remembered."""
    from slipway_steps.adapters.envoy.traffic import EnvoyTraffic
    from slipway_steps.domain.environment import Environment
    from slipway_workflows.cli.environment_status import local_platform

    platform = local_platform()
    EnvoyTraffic(platform.settings).stop()
    for environment in Environment:
        platform.down(environment)
    click.echo("all environments are stopped")
