"""`slipway submit`, `watch`, `retry`, `stop`, `resume`, `approve`, `reject`: Argo's words for what a person does."""

import click

from slipway_steps.domain.errors import Refused
from slipway_workflows.cli import place
from slipway_workflows.cli.live import shown
from slipway_workflows.cli.run import end_of, follow, parameters_of
from slipway_workflows.ports import Workflows


@click.command()
@click.argument("template")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the workflow.")
@click.option(
    "--watch", "watched", is_flag=True, help="Follow it to its end; the exit code is then that of slipway run."
)
@place.option
def submit(template: str, given: tuple[str, ...], watched: bool, on_cluster: bool) -> int:
    """Start TEMPLATE and print the workflow's name.

    On a cluster: a WorkflowTemplate or CronWorkflow of its own. On this machine, where no server would run it: a
    workflow of the catalog, followed to its end as slipway run does.
    """
    return start(place.workflows(on_cluster), template, parameters_of(given), watched)


def start(there: Workflows, template: str, parameters: dict[str, str], watched: bool = False) -> int:
    """Start a workflow and print its name; follow it where asked to, or where it cannot run otherwise."""
    execution = there.submit(template, parameters)
    if there.runs_in_foreground:
        return follow(there, execution)
    click.echo(f"{execution.name}: submitted", err=True)
    click.echo(execution.name)
    return follow(there, execution) if watched else 0


@click.command()
@click.argument("workflow")
@place.option
def watch(workflow: str, on_cluster: bool) -> int:
    """Show WORKFLOW (@latest: the newest) until it has ended; the exit code is that of slipway run."""
    there = place.workflows(on_cluster)
    name = place.newest_or_named(there, workflow)
    with shown(name) as listener:
        found = there.watch(name, listener)
    return end_of(found)


@click.command()
@click.argument("workflow")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="Change a parameter.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the Workflow, on stdout.")
@place.option
def retry(workflow: str, given: tuple[str, ...], output: str, on_cluster: bool) -> int:
    """Go on with WORKFLOW where it failed, was stopped or died; what had succeeded is kept.

    A step runs again if it had not succeeded, or if one before it runs again. Exit codes: as slipway run.
    """
    there = place.workflows(on_cluster)
    return follow(there, there.retry(place.newest_or_named(there, workflow), parameters_of(given)), output)


@click.command()
@click.argument("workflow")
@place.option
def stop(workflow: str, on_cluster: bool) -> None:
    """Stop WORKFLOW: its running steps are ended, its exit handler still runs."""
    there = place.workflows(on_cluster)
    name = place.newest_or_named(there, workflow)
    there.stop(name)
    click.echo(f"{name}: stopping")


@click.command()
@click.argument("workflow")
@click.option("--node", help="Only the waiting node of this name.")
@place.option
def resume(workflow: str, node: str | None, on_cluster: bool) -> None:
    """Let WORKFLOW go on where it waits; its questions get their defaults (see: slipway approve, slipway reject)."""
    there = place.workflows(on_cluster)
    name = place.newest_or_named(there, workflow)
    there.resume(name, node)
    click.echo(f"{name}: resumed")


@click.command()
@click.argument("workflow", required=False)
@place.option
def approve(workflow: str | None, on_cluster: bool) -> None:
    """Answer the waiting WORKFLOW with yes (the only one that waits, where none is named)."""
    _answer(place.workflows(on_cluster), workflow, "approve")


@click.command()
@click.argument("workflow", required=False)
@place.option
def reject(workflow: str | None, on_cluster: bool) -> None:
    """Answer the waiting WORKFLOW with no (the only one that waits, where none is named)."""
    _answer(place.workflows(on_cluster), workflow, "reject")


def _answer(there: Workflows, workflow: str | None, word: str) -> None:
    name = place.newest_or_named(there, workflow) if workflow else _only_one_that_waits(there, word)
    there.answer(name, word)
    click.echo(f"{word}: {name}")


def _only_one_that_waits(there: Workflows, word: str) -> str:
    names = sorted(found.name for found in there.list() if not found.died and found.workflow.waiting)
    if len(names) != 1:
        known = f"waiting: {', '.join(names)}" if names else "no workflow waits"
        raise Refused(f"name the workflow to {word}", known)
    return names[0]
