"""The state of runs on disk: `<home>/runs/<workflow>/`.

workflow.json: the Workflow, replaced whole. lock: held by the engine that runs it, so a stored Running one whose lock
is free is dead. logs/: one file a node. answers/: what `slipway approve` wrote for a node that waits.
"""

import fcntl
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from slipway_steps.domain.errors import BadInput, Refused

NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")


class RunStore:
    """The directory of one run. Raises BadInput where it cannot be made or is taken."""

    def __init__(self, home: Path, name: str) -> None:
        if not NAME.match(name):
            raise BadInput(f"{name!r} is no name for a workflow", "lower-case letters, digits and hyphens")
        self.directory = home / "runs" / name
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for part in ("logs", "work", "answers"):
                (self.directory / part).mkdir(exist_ok=True)
            self.lock: IO[str] = (self.directory / "lock").open("w")
        except OSError as error:
            raise BadInput(f"{self.directory} cannot be written: {error.strerror}", "name another by --home") from error
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"workflow {name} is running already", "wait until it has ended") from None

    def write(self, workflow: Mapping[str, Any]) -> None:
        """Replace workflow.json."""
        temporary = self.directory / ".workflow.json.tmp"
        temporary.write_text(json.dumps(workflow, indent=1))
        temporary.replace(self.directory / "workflow.json")

    def answer(self, node: str) -> dict[str, str] | None:
        """What was answered to a waiting node; None so far."""
        with suppress(OSError, ValueError):
            loaded: dict[str, str] = json.loads((self.directory / "answers" / f"{node}.json").read_text())
            return loaded
        return None

    def close(self) -> None:
        """The run has ended."""
        self.lock.close()


def alive(home: Path, name: str) -> bool:
    """Whether an engine holds the run."""
    try:
        # shared: two who look at the same time must not take each other for the engine
        with (home / "runs" / name / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def stored(home: Path, name: str) -> dict[str, Any] | None:
    """A stored Workflow, or None."""
    with suppress(OSError, ValueError):
        loaded: dict[str, Any] = json.loads((home / "runs" / name / "workflow.json").read_text())
        return loaded
    return None


def waiting(home: Path) -> list[tuple[str, str, list[str]]]:
    """(workflow, node id, names of the parameters it asks for) of each suspended node of a living run."""
    found = []
    for path in sorted((home / "runs").glob("*/workflow.json")):
        name = path.parent.name
        workflow = stored(home, name)
        if workflow is None or workflow["status"].get("phase") != "Running" or not alive(home, name):
            continue
        for node in (workflow["status"].get("nodes") or {}).values():
            if node["type"] == "Suspend" and node["phase"] == "Running":
                asked = workflow["status"].get("asked", {}).get(node["id"], [])
                found.append((name, node["id"], asked))
    return found


def resume(home: Path, workflow: str, node: str, parameters: Mapping[str, str]) -> None:
    """Answer a waiting node. Raises Refused where it does not wait."""
    if not any(found[:2] == (workflow, node) for found in waiting(home)):
        raise Refused(f"node {node} of workflow {workflow} does not wait", "see: slipway status")
    path = home / "runs" / workflow / "answers" / f"{node}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(dict(parameters)))
    temporary.replace(path)
