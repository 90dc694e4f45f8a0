"""`slipway promote` and `slipway revert`: change the model version of an environment by hand."""

import sys

import click

from slipway_steps.domain.environment import Environment, parse_environment, source_of
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.traffic import parse_weights
from slipway_workflows.cli import backend
from slipway_workflows.cli.workflow_commands import start
from slipway_workflows.ports import Workflows

PLAYED_USERS = 10
"""On one machine there are no real users: so many are played while the canary has its shares, as in the load test."""


@click.command()
@click.option(
    "--to", "target", required=True, metavar="ENVIRONMENT", help="The environment to promote to: canary or production."
)
@click.option("--yes", is_flag=True, help="Do not ask before a promotion to production.")
@click.option(
    "--strategy",
    type=click.Choice(["direct", "canary"]),
    default="direct",
    show_default=True,
    help="canary: give canary's version a rising share of production's requests first.",
)
@click.option("--weights", help="With --strategy canary: the shares in percent, such as 5,10,25,50.")
@backend.cluster_option
def promote(target: str, yes: bool, strategy: str, weights: str | None, on_cluster: bool) -> int:
    """Promote the version that the previous environment serves, after a check that it has passed every gate.

    On a cluster a promotion to production starts a workflow that waits for slipway approve.
    """
    environment = parse_environment(target)
    source = source_of(environment)
    if strategy == "canary" or weights is not None:
        _check_canary(environment, strategy, weights, on_cluster)
    workflows = backend.workflows_of(on_cluster)
    parameters = {"source-environment": source.value, "target-environment": environment.value}
    if environment is Environment.PRODUCTION:
        if not workflows.runs_in_foreground:
            return start(workflows, "promote-to-production", _version_in(workflows, source))
        _ask_before_production(source, yes)
        if strategy == "canary":
            shares = {"weights": weights} if weights else {}
            played = {"approved": "true", "users": str(PLAYED_USERS), **shares}
            return start(workflows, "promote-by-canary", played | _version_in(workflows, source))
        parameters["approved"] = "true"
    return start(workflows, "promote-model", parameters | _version_in(workflows, source))


def _check_canary(environment: Environment, strategy: str, weights: str | None, on_cluster: bool) -> None:
    """Raises BadInput where the options do not fit together, or the weights do not rise."""
    if strategy != "canary":
        raise BadInput("--weights belongs to --strategy canary", "add --strategy canary")
    if environment is not Environment.PRODUCTION:
        raise BadInput(f"--strategy canary promotes to production, not to {environment}", "add --to production")
    if on_cluster:
        raise BadInput("--strategy canary works on one machine only so far", "promote without it")
    if weights is not None:
        parse_weights(weights)


def _ask_before_production(source: Environment, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("promotion to production needs the approval of a person", "add --yes")
    click.confirm(f"Promote what {source} serves to {Environment.PRODUCTION}?", abort=True)


@click.command()
@click.argument("environment")
@click.option("--reason", default="by hand", show_default=True, help="Why; stored with the version that is reverted.")
@backend.cluster_option
def revert(environment: str, reason: str, on_cluster: bool) -> int:
    """Revert ENVIRONMENT to the version that passed there last. Later reverts never choose the present version."""
    target = parse_environment(environment)
    workflows = backend.workflows_of(on_cluster)
    parameters = {"target-environment": target.value, "reason": reason}
    return start(workflows, "revert-model", parameters | _version_in(workflows, target))


def _version_in(workflows: Workflows, environment: Environment) -> dict[str, str]:
    """The parameter `model-version`: the version that the environment serves now.

    So the workflow acts on this version only, even if the environment serves another one when its turn comes.
    """
    version = workflows.version_in(environment)
    return {"model-version": version} if version else {}
