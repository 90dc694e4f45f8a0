"""`slipway status`, `slipway env logs`, `slipway down`: the environments of this machine."""

import json
import time

import click


@click.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def status(output: str) -> None:
    """Show what stands in each environment."""
    from slipway_workflows.cli.environment_status import environment_statuses, environment_table

    found = environment_statuses()
    if output == "json":
        click.echo(json.dumps({"environments": found}, indent=2))
    else:
        from rich.console import Console

        Console().print(environment_table(found))


@click.group()
def env() -> None:
    """Look into one environment."""


@env.command()
@click.argument("environment")
@click.option("--follow", "-f", is_flag=True, help="Go on printing what is written.")
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
def down() -> None:
    """Stop the environments; what they serve is remembered."""
    from slipway_steps.domain.environment import Environment
    from slipway_workflows.cli.environment_status import local_platform

    platform = local_platform()
    for environment in Environment:
        platform.down(environment)
    click.echo("all environments are stopped")
