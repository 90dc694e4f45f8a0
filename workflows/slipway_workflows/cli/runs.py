"""`slipway list`, `get`, `logs`, `retry`, `stop`, `resume`: Argo's words for workflows, here or on a cluster."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from slipway_steps.domain.errors import Refused
from slipway_steps.settings import Settings
from slipway_workflows import engine
from slipway_workflows.cli import cluster
from slipway_workflows.cli.live import MARKS, seconds, spoken
from slipway_workflows.cli.run import execute, options, parameters_of, released_by

UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
LATEST = "@latest"
DEAD = "its engine died; slipway retry goes on where it was"


def span(length: float | None) -> str:
    """Seconds in one unit, as `argo list` has them."""
    if length is None:
        return ""
    size, unit = next((pair for pair in UNITS if length >= pair[0]), UNITS[-1])
    return f"{int(length / size)}{unit}"


def _took(started: str | None, finished: str | None) -> float | None:
    begun = seconds(started)
    return None if begun is None else max(0.0, (seconds(finished) or time.time()) - begun)


def _on_cluster() -> list[engine.Summary]:
    found = []
    for workflow in cluster.workflows().listing():
        status = workflow.get("status") or {}
        name, phase = workflow["metadata"]["name"], status.get("phase") or "Pending"
        times = status.get("startedAt"), status.get("finishedAt")
        found.append(engine.Summary(name, phase, status.get("message", ""), *times, alive=True))
    return found


def named(workflow: str, on_cluster: bool = False) -> str:
    """The workflow that is meant: `@latest` is the newest, as argo has it. Raises Refused where there is none."""
    if workflow != LATEST:
        return workflow
    listed = _on_cluster() if on_cluster else engine.workflows(Settings().home)
    if not listed:
        raise Refused("there is no workflow yet", "start one: slipway run release-model")
    return max(listed, key=lambda one: one.started or "").name


@click.command("list")
@cluster.option
def list_(on_cluster: bool) -> None:
    """List the workflows, newest first."""
    table = Table(box=None, pad_edge=False)
    for column in ("NAME", "STATUS", "AGE", "DURATION", "MESSAGE"):
        table.add_column(column, no_wrap=column != "MESSAGE", overflow="fold")
    listed = _on_cluster() if on_cluster else engine.workflows(Settings().home)
    found = sorted(listed, key=lambda one: one.started or "", reverse=True)
    for one in found:
        age = span(_took(one.started, datetime.now(UTC).isoformat())) if one.started else ""
        phase, message = ("Died", DEAD) if one.dead else (one.phase, one.message)
        length = "" if one.dead else span(_took(one.started, one.finished))
        table.add_row(one.name, phase, age, length, message)
    if not found:
        click.echo("no workflows; start one: slipway run release-model", err=True)
        return
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@click.command()
@click.argument("workflow")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="json: the whole Workflow.")
@cluster.option
def get(workflow: str, output: str, on_cluster: bool) -> None:
    """Show WORKFLOW (@latest: the newest) and its nodes."""
    workflow = named(workflow, on_cluster)
    if on_cluster:
        directory, dead, found = None, False, cluster.workflows().get(workflow)
    else:
        directory, found = engine.stored(Settings().home, workflow)
        dead = next((one.dead for one in engine.workflows(Settings().home) if one.name == workflow), False)
    if output == "json":
        click.echo(json.dumps(found, indent=1))
        return
    status = found.get("status") or {}
    phase = status.get("phase", "Pending")
    for label, value in (
        ("Name", workflow),
        ("Status", f"Died ({DEAD})" if dead else phase),
        ("Message", status.get("message")),
        ("Created", found["metadata"].get("creationTimestamp")),
        ("Started", status.get("startedAt")),
        ("Finished", status.get("finishedAt")),
        ("Duration", span(_took(status.get("startedAt"), status.get("finishedAt")))),
        ("Files", str(directory) if directory else None),
    ):
        if value:
            click.echo(f"{label + ':':12}{value}")
    for item in (found["spec"].get("arguments") or {}).get("parameters") or []:
        click.echo(f"  {item['name']}: {item.get('value', '')}")
    nodes = status.get("nodes") or {}
    if nodes:
        click.echo()
        Console(width=None if sys.stdout.isatty() else 200).print(_tree(workflow, nodes))


def _line(node: dict[str, Any]) -> Text:
    mark, style = MARKS.get(node["phase"], ("●", "cyan"))
    length = "" if node["phase"] in ("Skipped", "Omitted") else span(_took(node["startedAt"], node["finishedAt"]))
    text = Text.assemble((f"{mark} ", style), spoken(node["displayName"]), "  ", (length, "dim"))
    return text.append(f"  {node['message']}", style="dim") if node.get("message") else text


def _tree(workflow: str, nodes: dict[str, dict[str, Any]]) -> Tree:
    root = nodes.get(workflow)
    tree = Tree(_line(root) if root else Text(workflow))
    places: dict[str, Tree] = {workflow: tree}
    looped = {
        child: node["id"]
        for node in nodes.values()
        if node["type"] in ("TaskGroup", "Retry")
        for child in node.get("children") or []
        if nodes.get(child, {}).get("name", "").startswith(f"{node['name']}(")
    }
    for node in nodes.values():
        if node["id"] == workflow or node["type"] == "StepGroup":
            continue
        above = looped.get(node["id"]) or node.get("boundaryID") or workflow
        if node["type"] == "Retry" and node.get("children"):
            places[node["id"]] = places.get(above, tree)  # its tries stand in its place
            continue
        places[node["id"]] = places.get(above, tree).add(_line(node))
    return tree


@click.command()
@click.argument("workflow")
@click.argument("node", required=False)
@cluster.option
def logs(workflow: str, node: str | None, on_cluster: bool) -> None:
    """Print what the steps of WORKFLOW wrote, or only NODE's (its name as `slipway get` shows it, or its id)."""
    workflow = named(workflow, on_cluster)
    if on_cluster:
        cluster.logs(workflow, node)
        return
    directory, found = engine.stored(Settings().home, workflow)
    pods = [one for one in ((found.get("status") or {}).get("nodes") or {}).values() if one["type"] == "Pod"]
    wanted = [
        one for one in pods if node in (None, spoken(one["displayName"]), one["displayName"], one["id"], one["name"])
    ]
    if not wanted:
        known = ", ".join(sorted({spoken(one["displayName"]) for one in pods}))
        raise Refused(f"workflow {workflow} has no node {node} that ran", f"those that ran: {known or 'none'}")
    for one in wanted:
        path = Path(directory) / "logs" / f"{one['id']}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        for line in text.splitlines():
            click.echo(line if node else f"{spoken(one['displayName'])}: {line}")


@click.command()
@click.argument("workflow")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="Change a parameter.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the Workflow, on stdout.")
@cluster.option
def retry(workflow: str, given: tuple[str, ...], output: str, on_cluster: bool) -> int:
    """Go on with WORKFLOW where it failed, was stopped or died; what had succeeded is kept.

    A step runs again if it had not succeeded, or if one before it runs again. Exit codes: as slipway run.
    """
    workflow = named(workflow, on_cluster)
    if on_cluster:
        return cluster.retry(workflow, parameters_of(given))
    prepared = engine.prepare_retry(Settings().home, workflow, parameters_of(given), options(Settings()))
    return execute(prepared, output, released_by(prepared.workflow))


@click.command()
@click.argument("workflow")
@cluster.option
def stop(workflow: str, on_cluster: bool) -> None:
    """Stop WORKFLOW: its running steps are ended, its exit handler still runs."""
    if on_cluster:
        cluster.stop(workflow)
    else:
        engine.stop(Settings().home, workflow)
    click.echo(f"{workflow}: stopping")


@click.command()
@click.argument("workflow")
@click.option("--node", help="Only the waiting node of this name.")
@cluster.option
def resume(workflow: str, node: str | None, on_cluster: bool) -> None:
    """Let WORKFLOW go on where it waits; its questions get their defaults (see: slipway approve, slipway reject)."""
    if on_cluster:
        cluster.resume(workflow, node)
    else:
        engine.resume(Settings().home, workflow, node, {})
    click.echo(f"{workflow}: resumed")
