"""The commands that show workflows: `slipway list`, `get`, `logs`, `graph`."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from slipway_steps.domain.approval import DECISION
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.files import replace_file
from slipway_workflows.argo import NodeType, StoredNode, StoredWorkflow
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.argo.stored_node import parameter_values
from slipway_workflows.argo.times import BEFORE_ALL, seconds_between
from slipway_workflows.cli import backend
from slipway_workflows.cli.live import MARKS, name_for_people
from slipway_workflows.ports import FoundWorkflow

UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
DIED = "its engine died; continue it with slipway retry"


def in_one_unit(seconds: float | None) -> str:
    """Seconds in the largest unit that fits, as in `argo list`: `42s`, `3m`, `2h`, `1d`; "" for None."""
    if seconds is None:
        return ""
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{int(seconds / size)}{unit}"


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 200)


@click.command("list")
@backend.cluster_option
def list_(on_cluster: bool) -> None:
    """List the workflows, newest first."""
    table = Table(box=None, pad_edge=False)
    for column in ("NAME", "STATUS", "AGE", "DURATION", "MESSAGE"):
        table.add_column(column, no_wrap=column != "MESSAGE", overflow="fold")
    every = backend.workflows_of(on_cluster).list()
    found = sorted(every, key=lambda one: one.workflow.started or BEFORE_ALL, reverse=True)
    for one in found:
        workflow = one.workflow
        age = in_one_unit(seconds_between(workflow.started, None))
        status, message = ("Died", DIED) if one.died else (workflow.phase.value, workflow.message)
        length = "" if one.died else in_one_unit(seconds_between(workflow.started, workflow.finished))
        table.add_row(one.name, status, age, length, Text(message))
    if not found:
        click.echo("no workflows; start one: slipway run release-model", err=True)
        return
    _console().print(table)


@click.command()
@click.argument("workflow")
@click.option(
    "--output", "-o", type=click.Choice(["text", "json"]), default="text", help="json: print the whole Workflow."
)
@backend.cluster_option
def get(workflow: str, output: str, on_cluster: bool) -> None:
    """Show WORKFLOW (@latest: the newest) and its nodes."""
    workflows = backend.workflows_of(on_cluster)
    found = workflows.get(backend.newest_or_named(workflows, workflow))
    if output == "json":
        click.echo(json.dumps(found.workflow.with_nodes_unpacked(), indent=1))
        return
    _print_head(found)
    if found.workflow.nodes:
        click.echo()
        _console().print(node_tree(found.workflow))
    for node in found.workflow.waiting:
        _print_question(node)


def _print_question(node: StoredNode) -> None:
    """What a node that waits shows to the person who answers: its inputs, without the choice itself."""
    click.echo(f"\n{node.display_name} waits for an answer:")
    for name, value in parameter_values(node.inputs).items():
        if name != DECISION:
            click.echo(f"  {name}: {value}")


def _print_head(found: FoundWorkflow) -> None:
    workflow = found.workflow
    for label, value in (
        ("Name", workflow.name),
        ("Status", f"Died ({DIED})" if found.died else workflow.phase),
        ("Message", workflow.message),
        ("Created", workflow.metadata.get("creationTimestamp")),
        ("Started", workflow.status.get("startedAt")),
        ("Finished", workflow.status.get("finishedAt")),
        ("Duration", "" if found.died else in_one_unit(seconds_between(workflow.started, workflow.finished))),
        ("Files", found.files),
        ("Report", report_of(workflow)),
    ):
        if value:
            click.echo(f"{label + ':':12}{value}")
    for name, value in workflow.arguments.items():
        click.echo(f"  {name}: {value}")


def report_of(workflow: StoredWorkflow) -> str:
    """The address of the report that a release on a cluster has left; "" where there is none."""
    found = workflow.outputs.get("report-url", "none")
    return "" if found == "none" else found


def node_tree(workflow: StoredWorkflow) -> Tree:
    """The nodes of a workflow as a tree, without step groups and without Retry nodes that have attempts."""
    tree = Tree(_line(workflow.root) if workflow.root else Text(workflow.name))
    _add_children(tree, workflow, workflow.root.id if workflow.root else None)
    return tree


def _add_children(tree: Tree, workflow: StoredWorkflow, parent: str | None) -> None:
    for node in workflow.display_children.get(parent, ()):
        if node.type is NodeType.STEP_GROUP:
            continue
        if node.type is NodeType.RETRY and node.children:
            _add_children(tree, workflow, node.id)  # its attempts are shown instead of it
        else:
            _add_children(tree.add(_line(node)), workflow, node.id)


def _line(node: StoredNode) -> Text:
    mark, style = MARKS.get(node.phase, ("●", "cyan"))
    length = "" if node.phase.left_out else in_one_unit(seconds_between(node.started, node.finished))
    text = Text.assemble((f"{mark} ", style), name_for_people(node.display_name), "  ", (length, "dim"))
    message = node.message_for_people
    return text.append(f"  {message}", style="dim") if message else text


@click.command()
@click.argument("workflow")
@click.argument("node", required=False)
@backend.cluster_option
def logs(workflow: str, node: str | None, on_cluster: bool) -> None:
    """Print the logs of the steps of WORKFLOW, or only of NODE (an id, or a name as `slipway get` shows it)."""
    workflows = backend.workflows_of(on_cluster)
    found = workflows.get(backend.newest_or_named(workflows, workflow)).workflow
    wanted = [one for one in found.pods if node is None or one.is_called(node, name_for_people(one.display_name))]
    if not wanted:
        known = ", ".join(sorted({name_for_people(one.display_name) for one in found.pods}))
        raise Refused(
            f"workflow {found.name} has no node {node} that ran" if node else f"no step of {found.name} has run",
            f"nodes that ran: {known or 'none'}",
        )
    for one, text in workflows.log(found.name, wanted):
        name = name_for_people(one.display_name)
        if text is None:
            click.echo(f"{name}: its pod is gone, and so is its log", err=True)
        for line in (text or "").splitlines():
            click.echo(line if node else f"{name}: {line}")


@click.command()
@click.argument("workflow", metavar="WORKFLOW|FILE")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The SVG file to write."
)
@backend.cluster_option
def graph(workflow: str, output: Path, on_cluster: bool) -> None:
    """Draw the steps of WORKFLOW (@latest: the newest) and the branch that it took as an SVG picture.

    FILE is a Workflow as JSON, as slipway get -o json prints it.
    """
    from slipway_workflows.report import picture

    if workflow.endswith(".json"):
        found = _workflow_in(Path(workflow))
    else:
        workflows = backend.workflows_of(on_cluster)
        found = workflows.get(backend.newest_or_named(workflows, workflow)).workflow
    replace_file(output, picture(found))
    click.echo(f"{output}: {found.name}")


def _workflow_in(path: Path) -> StoredWorkflow:
    hint = "write one: slipway get NAME -o json"
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read: {error}", hint) from error
    if not isinstance(loaded, dict) or loaded.get("kind") != "Workflow":
        raise BadInput(f"{path} contains no Workflow", hint)
    return read_workflow(loaded)
