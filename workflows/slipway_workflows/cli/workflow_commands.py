"""The commands that start or change workflows: `submit`, `watch`, `retry`, `stop`, `resume`, `approve`, `reject`."""

import click

from slipway_steps.domain.errors import Refused
from slipway_workflows.cli import backend
from slipway_workflows.cli.live import display
from slipway_workflows.cli.run import follow, parameters_of, print_result
from slipway_workflows.ports import Workflows


@click.command()
@click.argument("template")
@click.option(
    "-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="The value of a parameter of the workflow."
)
@click.option("--watch", "watched", is_flag=True, help="Wait for its end; the exit code is then that of slipway run.")
@backend.cluster_option
def submit(template: str, given: tuple[str, ...], watched: bool, on_cluster: bool) -> int:
    """Submit a workflow from TEMPLATE and print its name.

    With --cluster: a WorkflowTemplate or CronWorkflow of the cluster. On this machine: a workflow of the catalog, which
    is run to its end as by slipway run, because no server runs it in the background.
    """
    return start(backend.workflows_of(on_cluster), template, parameters_of(given), watched)


def start(workflows: Workflows, template: str, parameters: dict[str, str], watched: bool = False) -> int:
    """Submit a workflow and print its name; returns the exit code.

    It is followed to its end if `watched`, and always where it runs in this process.
    """
    execution = workflows.submit(template, parameters)
    if workflows.runs_in_foreground:
        return follow(execution)
    click.echo(f"{execution.name}: submitted", err=True)
    click.echo(execution.name)
    return follow(execution) if watched else 0


@click.command()
@click.argument("workflow")
@backend.cluster_option
def watch(workflow: str, on_cluster: bool) -> int:
    """Show WORKFLOW (@latest: the newest) until it has ended; the exit code is that of slipway run."""
    workflows = backend.workflows_of(on_cluster)
    name = backend.newest_or_named(workflows, workflow)
    with display(name) as listener:
        found = workflows.watch(name, listener)
    return print_result(found)


@click.command()
@click.argument("workflow")
@click.option(
    "-p",
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A new value for a parameter of the workflow.",
)
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", help="json: print the Workflow on stdout."
)
@backend.cluster_option
def retry(workflow: str, given: tuple[str, ...], output: str, on_cluster: bool) -> int:
    """Continue WORKFLOW where it failed, was stopped or died; steps that had succeeded are kept.

    A step runs again if it had not succeeded, or if a step before it runs again. Exit codes: as slipway run.
    """
    workflows = backend.workflows_of(on_cluster)
    return follow(workflows.retry(backend.newest_or_named(workflows, workflow), parameters_of(given)), output)


@click.command()
@click.argument("workflow")
@backend.cluster_option
def stop(workflow: str, on_cluster: bool) -> None:
    """Stop WORKFLOW: its running steps are ended, its exit handler still runs. To a question this means no."""
    workflows = backend.workflows_of(on_cluster)
    name = backend.newest_or_named(workflows, workflow)
    workflows.stop(name)
    click.echo(f"{name}: stopping")


@click.command()
@click.argument("workflow")
@click.option("--node", help="Resume only the waiting node of this name.")
@backend.cluster_option
def resume(workflow: str, node: str | None, on_cluster: bool) -> None:
    """Resume WORKFLOW where it waits, with default answers: to the question of promote-to-production that is yes, as
    with RESUME in Argo's UI.
    """
    workflows = backend.workflows_of(on_cluster)
    name = backend.newest_or_named(workflows, workflow)
    workflows.resume(name, node)
    click.echo(f"{name}: resumed")


@click.command()
@click.argument("workflow", required=False)
@backend.cluster_option
def approve(workflow: str | None, on_cluster: bool) -> None:
    """Answer the waiting WORKFLOW with yes. Without WORKFLOW: the only one that waits."""
    _answer(backend.workflows_of(on_cluster), workflow, "approve")


@click.command()
@click.argument("workflow", required=False)
@backend.cluster_option
def reject(workflow: str | None, on_cluster: bool) -> None:
    """Answer the waiting WORKFLOW with no. Without WORKFLOW: the only one that waits."""
    _answer(backend.workflows_of(on_cluster), workflow, "reject")


def _answer(workflows: Workflows, workflow: str | None, word: str) -> None:
    name = backend.newest_or_named(workflows, workflow) if workflow else _only_one_that_waits(workflows, word)
    workflows.answer(name, word)
    click.echo(f"{word}: {name}")


def _only_one_that_waits(workflows: Workflows, word: str) -> str:
    names = sorted(found.name for found in workflows.list() if not found.died and found.workflow.waiting)
    if len(names) != 1:
        known = f"waiting: {', '.join(names)}" if names else "no workflow waits"
        raise Refused(f"name the workflow to {word}", known)
    return names[0]
