"""The status of each environment of this machine: what it serves, and why it does not serve."""

from typing import TYPE_CHECKING

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.journal import Record
from slipway_steps.settings import Settings
from slipway_workflows.cli.environment_table import EnvironmentStatuses, shown_status
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.ports import Registry


def local_platform(settings: Settings | None = None) -> LocalPlatform:
    """The platform of this machine. It does not open MLflow, which takes two seconds."""
    settings = settings or current_settings()
    return LocalPlatform(settings, OciLayout(settings.home / "images", settings.app_directory))


def environment_statuses(registry: "Registry | None" = None) -> EnvironmentStatuses:
    """The status of each environment: what it serves, and the version that passed there last.

    registry: MLflow, if it is open already. An environment that cannot be read has the phase Unknown. Raises
    RegistryError where MLflow cannot be asked.
    """
    settings = current_settings()
    platform = local_platform(settings)
    # opening MLflow takes two seconds and creates a database: this is not done where nothing was ever released
    if registry is None and (settings.tracking_uri or (settings.home / "mlflow" / "mlflow.db").exists()):
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry

        opened = MlflowRegistry(settings)
        opened.reach()
        registry = opened
    found: EnvironmentStatuses = {}
    for environment in Environment:
        try:
            now = platform.status(environment)
        except PlatformError as error:
            now = EnvironmentStatus(version=None, digest=None, phase="Unknown", url=None, message=str(error))
        record = registry.record(environment) if registry else Record()
        good, message = record.last_good, now.message
        if now.phase != "Unknown" and not record.open and record.current and record.current.version != now.version:
            message = f"the journal has version {record.current.version} here; bring it back with: slipway up"
        found[environment.value] = shown_status(now, good, message)
    return found
