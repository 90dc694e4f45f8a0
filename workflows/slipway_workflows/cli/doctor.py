"""`slipway doctor`: finds, and on request repairs, what differs from the journal of the environments."""

from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import PlatformError
from slipway_workflows.cli import backend

if TYPE_CHECKING:
    from slipway_steps.settings import Settings
    from slipway_workflows.argo import Event
    from slipway_workflows.ports import Workflows


@click.command()
@click.option("--mend", is_flag=True, help="Repair alias, image tag, deployment and app to what the journal says.")
@backend.cluster_option
def doctor(mend: bool, on_cluster: bool) -> int:
    """Compare the journal with MLflow's aliases, the image tags, the deployments and the answers of the apps.

    With --cluster the workflow `doctor` does it inside of the cluster, where the names of Services resolve. Exit codes:
    0 no difference is left, 1 some is.
    """
    if on_cluster:
        return _in_cluster(mend)
    from slipway_steps.adapters.world import make_world
    from slipway_steps.release.doctor import check_environments
    from slipway_workflows.cli.settings import current_settings

    settings = current_settings()
    if nothing_released(settings):
        return 0
    left = check_environments(make_world(settings), mend)
    if left and not mend:
        click.echo("mend it: slipway doctor --mend", err=True)
    return 1 if left else 0


def _in_cluster(mend: bool) -> int:
    """Submit the workflow `doctor`, follow it, and print what it found; the exit code is that of the workflow."""
    from slipway_workflows.cli.live import display
    from slipway_workflows.cli.run import print_result

    there = backend.workflows_of(on_cluster=True)
    execution = there.submit("doctor", {"mend": "true"} if mend else {})
    click.echo(f"{execution.name}: submitted", err=True)
    found: dict[str, str] = {}
    with display(execution.name) as show:

        def listen(event: "Event") -> None:
            show(event)
            # Read at once: Argo deletes the pod within seconds, and a laptop rarely has a way to the archived log.
            if event.type == "Pod" and event.phase.completed and event.node_id not in found:
                found[event.node_id] = _log(there, execution.name, event.node_id)

        workflow = execution.follow(listen)
    code = print_result(workflow)
    for text in found.values():
        click.echo(text, nl=False)
    return code


def _log(there: "Workflows", name: str, node_id: str) -> str:
    """The log of a step; "" after a warning where it cannot be read: what was found stands, read or not."""
    try:
        node = there.get(name).workflow.nodes[node_id]
        texts = [text for _, text in there.log(name, [node])]
    except PlatformError as error:
        click.echo(f"warning: what it wrote cannot be printed: {error}", err=True)
        return ""
    if None in texts:
        click.echo(f"warning: {node.display_name}: its pod is gone, and so is its log", err=True)
    return "".join(text or "" for text in texts)


def nothing_released(settings: "Settings") -> bool:
    """Whether this machine has no journal yet; then a line says so. It is not opened, because that would create it.

    Raises RegistryError at once where the journal is on a server that does not answer.
    """
    local = settings.platform == "local" and not settings.tracking_uri
    empty = local and not (settings.home / "mlflow" / "mlflow.db").exists()
    if empty:
        click.echo("nothing was ever released here")
    elif settings.tracking_uri:
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry

        MlflowRegistry(settings).reach()
    return empty
