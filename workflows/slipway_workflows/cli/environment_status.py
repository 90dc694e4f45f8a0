"""The status of each environment of this machine: what it serves, and why it does not serve."""

from typing import TYPE_CHECKING

from rich.table import Table

from slipway_steps.adapters.local.environment_status import EnvironmentStatus
from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.journal import Record
from slipway_steps.settings import Settings
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.ports import Registry

EnvironmentStatuses = dict[str, dict[str, str | None]]
"""Environment -> its fields version, digest, phase, url, last_good and message, each a string or None.

The message says why the environment does not serve what it should, and which command helps; "" while it does."""


def local_platform(settings: Settings | None = None) -> LocalPlatform:
    """The platform of this machine. It does not open MLflow, which takes two seconds."""
    settings = settings or current_settings()
    return LocalPlatform(settings, OciLayout(settings.home / "images", settings.app_directory))


def environment_statuses(registry: "Registry | None" = None) -> EnvironmentStatuses:
    """The status of each environment: what it serves, and the version that passed there last.

    registry: MLflow, if it is open already. An environment that cannot be read has the phase Unknown.
    """
    settings = current_settings()
    platform = local_platform(settings)
    # opening MLflow takes two seconds and creates a database: this is not done where nothing was ever released
    if registry is None and (settings.tracking_uri or (settings.home / "mlflow" / "mlflow.db").exists()):
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry

        registry = MlflowRegistry(settings)
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
        found[environment.value] = {
            "version": now.version,
            "digest": now.digest,
            "phase": now.phase,
            "url": now.url,
            "last_good": good.version if good else None,
            "message": message,
        }
    return found


def environment_problems(found: EnvironmentStatuses) -> list[str]:
    """A line for each environment that does not serve what it should: why, and which command helps."""
    return [f"{name}: {now['phase']}: {now['message']}" for name, now in found.items() if now["message"]]


def environment_table(found: EnvironmentStatuses) -> Table:
    """The status of the environments as a table for a terminal."""
    table = Table(title="Environments", title_justify="left", title_style="bold")
    for column in ("environment", "version", "phase", "last good", "url"):
        table.add_column(column, no_wrap=True)
    for name, now in found.items():
        healthy = now["phase"] == "Running"
        phase = f"[green]{now['phase']}[/]" if healthy else f"[yellow]{now['phase']}[/]"
        cells = (now["version"], phase, now["last_good"], now["url"])
        table.add_row(name, *(cell or "-" for cell in cells))
    return table
