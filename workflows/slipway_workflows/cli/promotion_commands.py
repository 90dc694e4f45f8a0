"""`slipway promote`, `revert`, `approve`, `reject`: what a person does."""

import sys

import click

from slipway_steps.domain.environment import Environment, parse_environment, source_of
from slipway_steps.domain.errors import Refused
from slipway_workflows.cli import cluster


@click.command()
@click.option("--to", "target", required=True, metavar="ENVIRONMENT", help="canary or production.")
@click.option("--yes", is_flag=True, help="Do not ask before production.")
@cluster.option
def promote(target: str, yes: bool, on_cluster: bool) -> int:
    """Promote what the environment before serves; its evidence is checked first.

    On a cluster, production is asked for there: the workflow waits for slipway approve.
    """
    environment = parse_environment(target)
    source = source_of(environment)
    if on_cluster:
        return _submitted(environment, source)
    if environment is Environment.PRODUCTION and not yes:
        if not sys.stdin.isatty():
            raise Refused("promotion to production needs a person's word", "add --yes")
        click.confirm(f"Promote what {source} serves to {environment}?", abort=True)
    from slipway_workflows.cli.run import run_template

    parameters = {"source-environment": source.value, "target-environment": environment.value}
    return run_template("promote-model", parameters | _version_in(source))


def _submitted(environment: Environment, source: Environment) -> int:
    if environment is Environment.PRODUCTION:
        click.echo(cluster.create("promote-to-production", cluster.version_in(source)))
        return 0
    parameters = {"source-environment": source.value, "target-environment": environment.value}
    click.echo(cluster.create("promote-model", parameters | cluster.version_in(source)))
    return 0


@click.command()
@click.argument("environment")
@click.option("--reason", default="by hand", show_default=True, help="Kept with the version that has to go.")
@cluster.option
def revert(environment: str, reason: str, on_cluster: bool) -> int:
    """Put ENVIRONMENT back to what passed there last; the version it serves now is not gone back to again."""
    target = parse_environment(environment)
    if on_cluster:
        given = {"target-environment": target.value, "reason": reason} | cluster.version_in(target)
        click.echo(cluster.create("revert-model", given))
        return 0
    from slipway_workflows.cli.run import run_template

    parameters = {"target-environment": target.value, "reason": reason}
    return run_template("revert-model", parameters | _version_in(target))


def _version_in(environment: Environment) -> dict[str, str]:
    """The version a person means: what stands there now, whatever comes there until their turn.

    Raises Refused while a living release owns the environment.
    """
    from slipway_steps.adapters.mlflow.registry import MlflowRegistry
    from slipway_steps.settings import Settings
    from slipway_workflows.cli.environment_status import local_platform

    settings = Settings()
    if not settings.tracking_uri and not (settings.home / "mlflow" / "mlflow.db").exists():
        raise Refused(f"{environment} serves nothing", "release a model first: slipway run release-model")
    record = MlflowRegistry(settings).record(environment)
    owner = record.open
    if owner and local_platform(settings).release_alive(owner.release):
        raise Refused(
            f"{environment} belongs to release {owner.release}, which is still running", "wait until it has ended"
        )
    there = owner.target if owner and owner.target else record.current
    return {"model-version": there.version} if there else {}


def _answer(workflow: str | None, word: str, on_cluster: bool) -> None:
    if on_cluster:
        cluster.answer(workflow, word)
        return
    from slipway_steps.settings import Settings
    from slipway_workflows import engine

    home = Settings().home
    waiting = engine.waiting(home)
    names = sorted({found[0] for found in waiting})
    if workflow is None:
        if len(names) != 1:
            known = f"waiting: {', '.join(names)}" if names else "no workflow waits"
            raise Refused(f"name the workflow to {word}", known)
        workflow = names[0]
    mine = [found for found in waiting if found[0] == workflow]
    if not mine:
        raise Refused(f"workflow {workflow} does not wait for an answer", f"waiting: {', '.join(names) or 'none'}")
    for _, node, parameters in mine:
        # a suspend that asks for nothing is only resumed; rejecting it would have no effect
        if not parameters and word == "reject":
            raise Refused(f"node {node} of {workflow} takes no answer; it can only be resumed", "stop the run instead")
        asked = "decision" if "decision" in parameters else next(iter(parameters), None)
        engine.resume(home, workflow, node, {asked: word} if asked else {})
        click.echo(f"{word}: {workflow}, node {node}")


@click.command()
@click.argument("workflow", required=False)
@cluster.option
def approve(workflow: str | None, on_cluster: bool) -> None:
    """Answer the waiting WORKFLOW with yes (the only one that waits, where none is named)."""
    _answer(workflow, "approve", on_cluster)


@click.command()
@click.argument("workflow", required=False)
@cluster.option
def reject(workflow: str | None, on_cluster: bool) -> None:
    """Answer the waiting WORKFLOW with no."""
    _answer(workflow, "reject", on_cluster)
