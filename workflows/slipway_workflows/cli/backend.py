"""The choice between the workflows of this machine and, with `--cluster`, those of a cluster. It is made only here."""

from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import Refused
from slipway_workflows.argo.times import BEFORE_ALL
from slipway_workflows.cli.settings import current_settings
from slipway_workflows.ports import Workflows

if TYPE_CHECKING:
    from slipway_workflows.local import LocalWorkflows

LATEST = "@latest"

cluster_option = click.option(
    "--cluster", "on_cluster", is_flag=True, help="Use the cluster of KUBECONFIG instead of this machine."
)


def workflows_of(on_cluster: bool) -> Workflows:
    """The workflows that a command works on. The slow client of Kubernetes is imported only for a cluster."""
    if on_cluster:
        from slipway_workflows.cluster import ClusterWorkflows
        from slipway_workflows.cluster.client import Client

        settings = current_settings()
        return ClusterWorkflows(settings, Client(settings), _warn)
    return local_workflows()


def local_workflows() -> "LocalWorkflows":
    """The workflows of this machine, under the home directory of the settings."""
    from slipway_workflows.cli.render import MANIFESTS
    from slipway_workflows.local import LocalWorkflows

    return LocalWorkflows(current_settings(), MANIFESTS, _warn)


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def newest_or_named(workflows: Workflows, workflow: str) -> str:
    """The name that an argument WORKFLOW stands for: as in `argo`, `@latest` is the workflow that was started last.

    Raises Refused for `@latest` where there is no workflow.
    """
    if workflow != LATEST:
        return workflow
    newest = max(workflows.list(), key=lambda found: found.workflow.started or BEFORE_ALL, default=None)
    if newest is None:
        raise Refused("there is no workflow yet", "start one: slipway run release-model")
    return newest.name
