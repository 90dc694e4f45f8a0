"""Where a command finds its workflows: on this machine, or with `--cluster` on a cluster. It is chosen here alone."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import Refused
from slipway_workflows.cli.settings import current_settings
from slipway_workflows.ports import Workflows

if TYPE_CHECKING:
    from slipway_workflows.local import LocalWorkflows

LATEST = "@latest"
_NEVER = datetime.min.replace(tzinfo=UTC)

option = click.option(
    "--cluster", "on_cluster", is_flag=True, help="On the cluster of KUBECONFIG, not on this machine."
)


def workflows(on_cluster: bool) -> Workflows:
    """The workflows that a command is about. Only a cluster costs the import of its client."""
    if on_cluster:
        from slipway_workflows.cluster import ClusterWorkflows
        from slipway_workflows.cluster.client import Client

        settings = current_settings()
        return ClusterWorkflows(settings, Client(settings), _warn)
    return local_workflows()


def local_workflows() -> "LocalWorkflows":
    """The workflows of this machine."""
    from slipway_workflows.cli.render import MANIFESTS
    from slipway_workflows.local import LocalWorkflows

    return LocalWorkflows(current_settings(), MANIFESTS, _warn)


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def newest_or_named(there: Workflows, workflow: str) -> str:
    """The name of the workflow that is meant: `@latest` is the newest, as argo has it.

    Raises Refused for `@latest` where there is no workflow.
    """
    if workflow != LATEST:
        return workflow
    newest = max(there.list(), key=lambda found: found.workflow.started or _NEVER, default=None)
    if newest is None:
        raise Refused("there is no workflow yet", "start one: slipway run release-model")
    return newest.name
