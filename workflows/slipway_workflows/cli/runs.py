"""`slipway list`, `get`, `logs`, `retry`, `stop`, `resume`: Argo's words for the workflows of this machine."""

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
from slipway_workflows.cli.live import HIDDEN, MARKS, seconds
from slipway_workflows.cli.run import execute, options, parameters_of, released_by

UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
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


@click.command("list")
def list_() -> None:
    """List the workflows of this machine, newest first."""
    table = Table(box=None, pad_edge=False)
    for column in ("NAME", "STATUS", "AGE", "DURATION", "MESSAGE"):
        table.add_column(column, no_wrap=column != "MESSAGE", overflow="fold")
    found = sorted(engine.workflows(Settings().home), key=lambda one: one.started or "", reverse=True)
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
def get(workflow: str, output: str) -> None:
    """Show WORKFLOW and its nodes."""
    directory, found = engine.stored(Settings().home, workflow)
    if output == "json":
        click.echo(json.dumps(found, indent=1))
        return
    status = found.get("status") or {}
    alive = next((one.alive for one in engine.workflows(Settings().home) if one.name == workflow), False)
    phase = status.get("phase", "Pending")
    dead = not alive and phase not in ("Succeeded", "Failed", "Error")
    for label, value in (
        ("Name", workflow),
        ("Status", f"Died ({DEAD})" if dead else phase),
        ("Message", status.get("message")),
        ("Created", found["metadata"].get("creationTimestamp")),
        ("Started", status.get("startedAt")),
        ("Finished", status.get("finishedAt")),
        ("Duration", span(_took(status.get("startedAt"), status.get("finishedAt")))),
        ("Files", str(directory)),
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
    text = Text.assemble((f"{mark} ", style), node["displayName"], "  ", (length, "dim"))
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
        if node["id"] == workflow or node["type"] in HIDDEN - {"TaskGroup"}:
            continue
        above = looped.get(node["id"]) or node.get("boundaryID") or workflow
        places[node["id"]] = places.get(above, tree).add(_line(node))
    return tree


@click.command()
@click.argument("workflow")
@click.argument("node", required=False)
def logs(workflow: str, node: str | None) -> None:
    """Print what the steps of WORKFLOW wrote, or only NODE's (its name as `slipway get` shows it, or its id)."""
    directory, found = engine.stored(Settings().home, workflow)
    pods = [one for one in ((found.get("status") or {}).get("nodes") or {}).values() if one["type"] == "Pod"]
    wanted = [one for one in pods if node in (None, one["displayName"], one["id"], one["name"])]
    if not wanted:
        known = ", ".join(sorted({one["displayName"] for one in pods}))
        raise Refused(f"workflow {workflow} has no node {node} that ran", f"those that ran: {known or 'none'}")
    for one in wanted:
        path = Path(directory) / "logs" / f"{one['id']}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        for line in text.splitlines():
            click.echo(line if node else f"{one['displayName']}: {line}")


@click.command()
@click.argument("workflow")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="Change a parameter.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the Workflow, on stdout.")
def retry(workflow: str, given: tuple[str, ...], output: str) -> int:
    """Go on with WORKFLOW where it failed, was stopped or died; what had succeeded is kept.

    A step runs again if it had not succeeded, or if one before it runs again. Exit codes: as slipway run.
    """
    prepared = engine.prepare_retry(Settings().home, workflow, parameters_of(given), options(Settings()))
    return execute(prepared, output, released_by(prepared.workflow))


@click.command()
@click.argument("workflow")
def stop(workflow: str) -> None:
    """Stop WORKFLOW: its running steps are ended, its exit handler still runs."""
    engine.stop(Settings().home, workflow)
    click.echo(f"{workflow}: stopping")


@click.command()
@click.argument("workflow")
@click.option("--node", help="Only the waiting node of this name.")
def resume(workflow: str, node: str | None) -> None:
    """Let WORKFLOW go on where it waits; its questions get their defaults (see: slipway approve, slipway reject)."""
    engine.resume(Settings().home, workflow, node, {})
    click.echo(f"{workflow}: resumed")
