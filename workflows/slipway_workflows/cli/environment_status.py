"""What stands in each environment of this machine."""

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

Standing = dict[str, dict[str, str | None]]
"""Environment -> version, digest, phase, url, last_good, message (why it does not serve, and what to type; empty while
it does): strings or None."""


def local_platform(settings: Settings | None = None) -> LocalPlatform:
    """The environments of this machine, without opening MLflow."""
    settings = settings or current_settings()
    return LocalPlatform(settings, OciLayout(settings.home / "images", settings.app_directory))


def environment_statuses(registry: "Registry | None" = None) -> Standing:
    """What each environment serves, and what passed there last."""
    settings = current_settings()
    platform = local_platform(settings)
    # opening MLflow takes two seconds and makes a database: not for a machine that never released anything
    if registry is None and (settings.tracking_uri or (settings.home / "mlflow" / "mlflow.db").exists()):
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry

        registry = MlflowRegistry(settings)
    found: Standing = {}
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


def reasons_down(found: Standing) -> list[str]:
    """A line for each environment that does not serve what it should: why, and what to type."""
    return [f"{name}: {now['phase']}: {now['message']}" for name, now in found.items() if now["message"]]


def environment_table(found: Standing) -> Table:
    """The same for a terminal."""
    table = Table(title="Environments", title_justify="left", title_style="bold")
    for column in ("environment", "version", "phase", "last good", "url"):
        table.add_column(column, no_wrap=True)
    for name, now in found.items():
        healthy = now["phase"] == "Running"
        phase = f"[green]{now['phase']}[/]" if healthy else f"[yellow]{now['phase']}[/]"
        cells = (now["version"], phase, now["last_good"], now["url"])
        table.add_row(name, *(cell or "-" for cell in cells))
    return table
