"""`slipway promote`, `revert`: moving a model version between environments by hand."""

import sys

import click

from slipway_steps.domain.environment import Environment, parse_environment, source_of
from slipway_steps.domain.errors import Refused
from slipway_workflows.cli import place
from slipway_workflows.cli.workflow_commands import start
from slipway_workflows.ports import Workflows


@click.command()
@click.option("--to", "target", required=True, metavar="ENVIRONMENT", help="canary or production.")
@click.option("--yes", is_flag=True, help="Do not ask before production.")
@place.option
def promote(target: str, yes: bool, on_cluster: bool) -> int:
    """Promote what the environment before serves; its evidence is checked first.

    On a cluster, production is asked for there: the workflow waits for slipway approve.
    """
    environment = parse_environment(target)
    source = source_of(environment)
    there = place.workflows(on_cluster)
    parameters = {"source-environment": source.value, "target-environment": environment.value}
    if environment is Environment.PRODUCTION:
        if not there.runs_in_foreground:
            return start(there, "promote-to-production", _version_in(there, source))
        _ask_before_production(source, yes)
        parameters["approved"] = "true"
    return start(there, "promote-model", parameters | _version_in(there, source))


def _ask_before_production(source: Environment, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("promotion to production needs a person's word", "add --yes")
    click.confirm(f"Promote what {source} serves to {Environment.PRODUCTION}?", abort=True)


@click.command()
@click.argument("environment")
@click.option("--reason", default="by hand", show_default=True, help="Kept with the version that has to go.")
@place.option
def revert(environment: str, reason: str, on_cluster: bool) -> int:
    """Put ENVIRONMENT back to what passed there last; the version it serves now is not gone back to again."""
    target = parse_environment(environment)
    there = place.workflows(on_cluster)
    parameters = {"target-environment": target.value, "reason": reason}
    return start(there, "revert-model", parameters | _version_in(there, target))


def _version_in(there: Workflows, environment: Environment) -> dict[str, str]:
    """The version that a person sees there now, as a parameter: not what stands there at the workflow's turn."""
    version = there.version_in(environment)
    return {"model-version": version} if version else {}
