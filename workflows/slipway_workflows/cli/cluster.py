"""What `--cluster` means: the same commands on the workflows of a cluster, through the Kubernetes API."""

import getpass
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError, Refused
from slipway_steps.settings import Settings
from slipway_workflows import cluster
from slipway_workflows.cli.live import plain, shown, spoken
from slipway_workflows.engine.state.events import Event

POLL = 2.0
"""Seconds between two looks at a workflow that is watched; a step on a cluster takes at least as long."""
ENDED = ("Succeeded", "Failed", "Error")

option = click.option(
    "--cluster", "on_cluster", is_flag=True, help="On the cluster of KUBECONFIG, not on this machine."
)


def workflows() -> cluster.Workflows:
    """The workflows of the cluster's namespace for them (SLIPWAY_WORKFLOWS_NAMESPACE)."""
    return cluster.Workflows(Settings())


def create(name: str, parameters: Mapping[str, str]) -> str:
    """Submit the template `name`; returns the workflow's name."""
    there = workflows()
    created = there.create(cluster.submission(there.source(name), parameters))
    click.echo(f"{created}: submitted to namespace {there.namespace}", err=True)
    return created


def follow(read: Callable[[], dict[str, Any]], name: str) -> dict[str, Any]:
    """Show a workflow until it has ended; returns it. A look that fails is told once, and the next one tried."""
    seen: dict[str, tuple[Any, ...]] = {}
    told = False
    with shown(name) as board:
        while True:
            try:
                workflow, told = read(), False
            except PlatformError as error:
                if not told:
                    click.echo(f"warning: {error}", err=True)
                told = True
                time.sleep(POLL)
                continue
            for node, event in events(workflow).items():
                state = (event.phase, event.message)
                if seen.get(node) != state:
                    seen[node] = state
                    (board.hear if board else plain)(event)
            if (workflow.get("status") or {}).get("phase") in ENDED:
                return workflow
            time.sleep(POLL)


def events(workflow: dict[str, Any]) -> dict[str, Event]:
    """The nodes of a workflow by id, as a listener of the local engine hears them; in the order they began."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    looped = {
        child: node["id"]
        for node in nodes.values()
        if node["type"] in ("TaskGroup", "Retry")
        for child in node.get("children") or []
    }
    found = {}
    for node in sorted(nodes.values(), key=lambda one: one.get("startedAt") or ""):
        above = looped.get(node["id"]) or node.get("boundaryID") or (workflow["metadata"]["name"])
        found[node["id"]] = Event(
            node_id=node["id"],
            display_name=node.get("displayName") or node["name"],
            type=node["type"],
            phase=node.get("phase") or "Pending",
            message=node.get("message") or "",
            parent=above if above in nodes and above != node["id"] else None,
            path=node["name"].removeprefix(f"{workflow['metadata']['name']}.") or node["name"],
            started=node.get("startedAt"),
            finished=node.get("finishedAt"),
            log=None,
        )
    return found


def outcome(workflow: dict[str, Any]) -> int:
    """The exit code of a workflow that has ended, as `slipway run` has it; said in one line where it is not 0."""
    from slipway_workflows.cli.summary import exit_code

    code, status = exit_code(workflow), workflow["status"]
    said = f"{workflow['metadata']['name']}: {status['phase']}"
    if code:
        click.echo(f"error: {said}: {status.get('message') or 'see: slipway get'}", err=True)
    else:
        click.echo(said, err=True)
    return code


def answer(name: str | None, word: str) -> None:
    """Approve or reject the workflow `name`, or the only one that waits."""
    there = workflows()
    if name is None:
        names = [one["metadata"]["name"] for one in there.listing() if cluster.waiting(one)]
        if len(names) != 1:
            raise Refused(f"name the workflow to {word}", f"waiting: {', '.join(names) or 'none'}")
        name = names[0]

    def change(workflow: dict[str, Any]) -> dict[str, Any]:
        nodes = cluster.waiting(workflow)
        if not nodes:
            raise Refused(f"workflow {name} does not wait for an answer", f"see: slipway get {name} --cluster")
        for node in nodes:
            asked = cluster.asked(node)
            if not asked and word == "reject":
                raise Refused(f"node {node['displayName']} takes no answer", f"stop it: slipway stop {name} --cluster")
            values = {"decision" if "decision" in asked else asked[0]: word} if asked else {}
            workflow = cluster.answered(workflow, values, getpass.getuser(), node["id"])
        return workflow

    there.change(name, change)
    click.echo(f"{word}: {name}")


def resume(name: str, node: str | None) -> None:
    """Let a waiting workflow go on with its defaults."""
    workflows().change(name, lambda workflow: cluster.answered(workflow, {}, getpass.getuser(), node))


def stop(name: str) -> None:
    """Stop a running workflow; its exit handler still runs."""

    def change(workflow: dict[str, Any]) -> dict[str, Any]:
        phase = (workflow.get("status") or {}).get("phase") or "Pending"
        if phase in ENDED:
            raise Refused(f"workflow {name} does not run: it is {phase}", "see: slipway list --cluster")
        return {**workflow, "spec": {**workflow["spec"], "shutdown": "Stop"}}

    workflows().change(name, change)


def retry(name: str, parameters: Mapping[str, str]) -> int:
    """Go on where a workflow failed, and follow it to its end; returns the exit code."""
    there = workflows()
    _, gone = cluster.retried(there.get(name), parameters)
    for node, pod in there.pods(name).items():
        if node in gone:
            there.delete_pod(pod)
    there.change(name, lambda workflow: cluster.retried(workflow, parameters)[0])
    click.echo(f"{name}: goes on; {len(gone)} nodes run anew", err=True)
    return outcome(follow(lambda: there.get(name), name))


def logs(name: str, node: str | None) -> None:
    """Print what steps wrote whose pods are still there."""
    there = workflows()
    nodes = (there.get(name).get("status") or {}).get("nodes") or {}
    ran = [one for one in nodes.values() if one["type"] == "Pod"]
    wanted = [
        one for one in ran if node in (None, spoken(one["displayName"]), one["displayName"], one["id"], one["name"])
    ]
    if not wanted:
        known = ", ".join(sorted({spoken(one["displayName"]) for one in ran}))
        raise Refused(f"workflow {name} has no node {node} that ran", f"those that ran: {known or 'none'}")
    pods = there.pods(name)
    for one in wanted:
        pod = pods.get(one["id"])
        if pod is None:
            click.echo(f"{spoken(one['displayName'])}: its pod is gone, and its log with it", err=True)
            continue
        for line in there.log(pod).splitlines():
            click.echo(line if node else f"{spoken(one['displayName'])}: {line}")


def version_in(environment: Environment) -> dict[str, str]:
    """The version a person means, as a parameter: what the environment serves now. None where that cannot be read."""
    from slipway_steps.adapters.argocd.platform import KubernetesPlatform

    try:
        found = KubernetesPlatform(Settings()).deployed(environment)
    except PlatformError as error:
        click.echo(f"warning: {error}; the workflow takes what {environment} serves when its turn comes", err=True)
        return {}
    if found is None:
        raise Refused(f"{environment} serves nothing", "release a model first: slipway submit release-model --cluster")
    return {"model-version": found.version}


@click.command()
@click.argument("template")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the workflow.")
@click.option(
    "--watch", "watched", is_flag=True, help="Follow it to its end; the exit code is then that of slipway run."
)
@option
def submit(template: str, given: tuple[str, ...], watched: bool, on_cluster: bool) -> int:
    """Start TEMPLATE, a WorkflowTemplate or CronWorkflow of the cluster, and print the workflow's name."""
    from slipway_workflows.cli.run import parameters_of

    if not on_cluster:
        raise Refused("submit is for a cluster", f"add --cluster, or run it here: slipway run {template}")
    name = create(template, parameters_of(given))
    click.echo(name)
    return outcome(follow(lambda: workflows().get(name), name)) if watched else 0


@click.command()
@click.argument("workflow")
@option
def watch(workflow: str, on_cluster: bool) -> int:
    """Show WORKFLOW until it has ended; the exit code is that of slipway run."""
    if on_cluster:
        there = workflows()
        there.get(workflow)
        return outcome(follow(lambda: there.get(workflow), workflow))
    from slipway_workflows import engine

    home = Settings().home

    def read() -> dict[str, Any]:
        found = engine.stored(home, workflow)[1]
        if next((one.dead for one in engine.workflows(home) if one.name == workflow), False):
            raise Refused(f"the engine of {workflow} has died", f"go on where it was: slipway retry {workflow}")
        return found

    return outcome(follow(read, workflow))
