"""What each environment serves, as commands print it; on one machine and on a cluster."""

from rich.table import Table

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment_status import EnvironmentStatus

EnvironmentStatuses = dict[str, dict[str, str | None]]
"""Environment -> its fields version, digest, phase, url, last_good and message, each a string or None.

The message says why the environment does not serve what it should, and which command helps; "" while it does."""


def shown_status(now: EnvironmentStatus, good: Candidate | None, message: str) -> dict[str, str | None]:
    """The fields of one environment. `good`: what passed there last; `message`: why it does not serve."""
    return {
        "version": now.version,
        "digest": now.digest,
        "phase": now.phase,
        "url": now.url,
        "last_good": good.version if good else None,
        "message": message,
    }


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
