"""What stands in each environment of a cluster, seen from outside of it."""

import click

from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Unavailable
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.errors import PlatformError, RegistryError
from slipway_steps.settings import Settings
from slipway_workflows.cli.environment_table import EnvironmentStatuses, shown_status


def cluster_environments(settings: Settings) -> EnvironmentStatuses:
    """What each environment serves by the Kubernetes API, and what passed there last where MLflow can be asked.

    Raises PlatformError where the API cannot be reached at all.
    """
    platform = KubernetesPlatform(settings)
    good = _last_good(settings)
    found: EnvironmentStatuses = {}
    for environment in Environment:
        try:
            now = platform.status(environment)
        except Unavailable:
            raise
        except PlatformError as error:
            now = EnvironmentStatus(version=None, digest=None, phase="Unknown", url=None, message=str(error))
        found[environment.value] = shown_status(now, good.get(environment), now.message)
    return found


def _last_good(settings: Settings) -> dict[Environment, Candidate | None]:
    """By the journals; nothing where MLflow cannot be asked, which is told."""
    if not settings.tracking_uri:
        click.echo("last good: unknown, because SLIPWAY_TRACKING_URI does not say where MLflow is", err=True)
        return {}
    try:
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry

        registry = MlflowRegistry(settings)
        registry.reach()
        return {environment: registry.record(environment).last_good for environment in Environment}
    except (RegistryError, ModuleNotFoundError) as error:
        click.echo(f"last good: unknown: {error}", err=True)
        return {}
