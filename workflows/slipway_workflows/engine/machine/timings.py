"""What a run waited for, and how long its processes took to start: what the Workflow that Argo stores does not tell.

`timings.jsonl` of the run's directory has a line for each: `node` (its id; the workflow's name for the workflow's own
locks), `what`, and `from` and `to` in Unix seconds. Performance tests read it.
"""

import contextlib
import json
import time
from pathlib import Path

TIMINGS = "timings.jsonl"
QUEUE, CONTAINER_START = "queue", "container-start"
"""queue: a wait for locks, or for the workflow's parallelism. container-start: from the request for a process until its
program begins."""
LEAST = 0.001
"""Seconds from which on a wait is one: a lock that is free takes less."""


class Timings:
    """Writes the file. `directory`: the run's. What cannot be written is left out, as nothing of a run needs it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / TIMINGS

    def queued(self, node: str, since: float) -> None:
        """A wait of a node has ended now; `since`: when it began, in Unix seconds."""
        if time.time() - since >= LEAST:
            self._add(node, QUEUE, since)

    def started(self, node: str, since: float) -> None:
        """The program of a node has begun; `since`: when its process was asked for, in Unix seconds."""
        self._add(node, CONTAINER_START, since)

    def _add(self, node: str, what: str, since: float) -> None:
        line = json.dumps({"node": node, "what": what, "from": round(since, 6), "to": round(time.time(), 6)})
        with contextlib.suppress(OSError), self._path.open("a") as file:
            file.write(f"{line}\n")
