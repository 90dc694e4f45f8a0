"""`slipway promote` and `slipway revert`: change the model version of an environment by hand."""

import sys

import click

from slipway_steps.domain.environment import Environment, parse_environment, source_of
from slipway_steps.domain.errors import Refused
from slipway_workflows.cli import backend
from slipway_workflows.cli.workflow_commands import start
from slipway_workflows.ports import Workflows


@click.command()
@click.option(
    "--to", "target", required=True, metavar="ENVIRONMENT", help="The environment to promote to: canary or production."
)
@click.option("--yes", is_flag=True, help="Do not ask before a promotion to production.")
@backend.cluster_option
def promote(target: str, yes: bool, on_cluster: bool) -> int:
    """Promote the version that the previous environment serves, after a check that it has passed every gate.

    On a cluster a promotion to production starts a workflow that waits for slipway approve.
    """
    environment = parse_environment(target)
    source = source_of(environment)
    workflows = backend.workflows_of(on_cluster)
    parameters = {"source-environment": source.value, "target-environment": environment.value}
    if environment is Environment.PRODUCTION:
        if not workflows.runs_in_foreground:
            return start(workflows, "promote-to-production", _version_in(workflows, source))
        _ask_before_production(source, yes)
        parameters["approved"] = "true"
    return start(workflows, "promote-model", parameters | _version_in(workflows, source))


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
