"""Whether a run could not end well because the disk of its session was full: then nothing is known of its pipeline."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import PlatformError
from slipway_steps.files import NO_ROOM, no_room, tells_no_room

HINT = "make room, or choose another --home"


class DiskWatch:
    """When the disk of a directory was last seen to be full.

    What a step or the engine says about a full disk goes to files on that disk, and may be lost for the same reason.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen, self._said = 0.0, ""

    def look(self) -> None:
        """Look at the disk now."""
        with suppress(OSError):  # the directory is not there yet, or not any more
            if said := no_room(self.directory):
                self._seen, self._said = time.time(), said

    def full_since(self, moment: float) -> str:
        """What was seen, where the disk was full at or after that moment (Unix seconds); else ""."""
        return self._said if self._seen >= moment else ""


@contextmanager
def written(what: str) -> Iterator[None]:
    """Raises PlatformError where the block cannot write its files. what: is written."""
    try:
        yield
    except OSError as error:
        raise PlatformError(f"cannot write {what}: {error.strerror or error}", HINT) from error


def told_in(home: Path, status: Mapping[str, Any]) -> str:
    """That a run, its engine or a step of it has met a full disk, as its files tell; "" where they do not.

    home: of the run. status: of its stored workflow.
    """
    for node in (status.get("nodes") or {}).values():
        if tells_no_room(str(node.get("message") or "")):
            return f"{NO_ROOM[0]}: {node['message']}"
    for path in (*home.glob("*.txt"), *home.glob("runs/*/*.log"), *home.glob("runs/*/logs/*.log")):
        with suppress(OSError), path.open(errors="replace") as file:
            if line := next(filter(tells_no_room, file), ""):
                return f"{path.name} says: {line.strip()[-300:]}"
    return ""
