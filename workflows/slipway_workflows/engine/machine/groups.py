"""Which process group each step is that runs now, for a program that looks at the run from outside.

`groups.json` of the run's directory has `engine`, the process id of the engine, and `steps`, node id -> process group.
It is written a moment after a change, with all changes until then, so that ten thousand short steps cost nothing worth
naming; a step that is shorter than that may never be in it. It is gone after the run.
"""

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path

from slipway_steps.files import replace_file
from slipway_workflows.engine.machine.step_usage import note_usage

GROUPS = "groups.json"
PAUSE = 0.1
"""Seconds from a change until it is written; more where a write takes long to compute: at most 1 % of a core."""


class Groups:
    """Writes the file. `directory`: the run's. What cannot be written is left out, as nothing of a run needs it."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._path = directory, directory / GROUPS
        self._steps: dict[str, int] = {}
        self._written: asyncio.TimerHandle | None = None
        self._cost = 0.0

    def begin(self, node_id: str, group: int) -> None:
        """The program of a node has begun, in that process group."""
        self._steps[node_id] = group
        self._changed()

    def ended(self, node_id: str) -> None:
        """The first process of a node has ended; it is not reaped yet."""
        if node_id in self._steps:
            note_usage(self._directory, node_id, self._steps[node_id])

    def end(self, node_id: str) -> None:
        """The program of a node has ended, or could not be started."""
        if self._steps.pop(node_id, None) is not None:
            self._changed()

    def close(self) -> None:
        """Remove the file."""
        self._steps.clear()  # so that the end of a step that was running changes nothing any more
        if self._written:
            self._written.cancel()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _changed(self) -> None:
        if self._written is None:
            self._written = asyncio.get_running_loop().call_later(max(PAUSE, 100 * self._cost), self._write)

    def _write(self) -> None:
        self._written = None
        began = time.thread_time()
        with contextlib.suppress(OSError):
            replace_file(self._path, json.dumps({"engine": os.getpid(), "steps": self._steps}))
        self._cost = time.thread_time() - began
