"""The files of a run: its lock, its workflow.json, and the pipe that wakes its engine when an answer has come."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput, Broken, Refused
from slipway_steps.files import replace_file, replace_file_by_pieces
from slipway_workflows.argo.stored import StoredWorkflow, read_workflow

WORKFLOW, LOCK, PIPE, ANSWERS = "workflow.json", "lock", "answers.pipe", "answers"
LIBRARY, STOP = "library.json", "stop"
FAULT_LOG = "engine.log"
"""Holds the tracebacks of the engine's own faults."""
FOR_RETRY = (WORKFLOW, LIBRARY, "logs", "artifacts")
"""The files and directories of a run that a retry of it needs."""
NODES = 3
"""Levels of a stored workflow down to its nodes (`status`, `nodes`, the node's id): one node is written at a time, as
the text of ten thousand is many times what the engine itself needs."""
_JSON = json.JSONEncoder(ensure_ascii=False)


def runs_of(home: Path) -> Path:
    """The directory that holds the runs of a home, one directory for each."""
    return home / "runs"


def is_alive(directory: Path) -> bool:
    """Whether an engine runs this workflow now: it holds the lock of the run's directory for as long as it lives."""
    try:
        file = os.open(directory / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        # a shared lock, so that two processes that ask at the same time do not take each other for the engine
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(file)


def load_workflow(directory: Path) -> StoredWorkflow | None:
    """The stored workflow of a run's directory, or None where there is none that can be read."""
    try:
        return read_workflow(json.loads((directory / WORKFLOW).read_text()))
    except (OSError, ValueError, BadInput):
        return None


def _json_pieces(value: Any, depth: int) -> Iterator[str]:
    """The JSON text of a value, in pieces: objects are taken apart down to that depth."""
    if not depth or not isinstance(value, dict):
        yield _JSON.encode(value)
        return
    before = "{"
    for key, item in value.items():
        yield f"{before}{_JSON.encode(key)}: "
        yield from _json_pieces(item, depth - 1)
        before = ", "
    yield "}" if value else "{}"


def _take_lock(lock: int) -> bool:
    """Take the lock; returns whether it could be taken.

    It tries three times: `is_alive` of another process may hold the lock for a moment.
    """
    for pause in (0.02, 0.1, 0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


class Store:
    """The directory of the run `name`, for the engine that runs it: `open` makes this process its owner."""

    def __init__(self, home: Path, name: str) -> None:
        self.directory = (runs_of(home) / name).absolute()
        self._lock: int | None = None
        self._pipe: int | None = None

    def open(self, keep: bool = False) -> int:
        """Lock the directory and empty it; `keep`: except for what a retry needs.

        Returns the descriptor of the pipe that becomes readable when answers or a stop have come. Raises BadInput where
        the directory cannot be written, Refused where a workflow of that name runs now.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            if not _take_lock(self._lock):
                self.close()
                raise Refused(
                    f"workflow {self.directory.name} is running already", "wait for its end, or use generateName"
                )
            for entry in self.directory.iterdir():
                if keep and entry.name in FOR_RETRY:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name != LOCK:
                    entry.unlink()
            for name in ("logs", "work", ANSWERS):
                (self.directory / name).mkdir(exist_ok=True)
            os.mkfifo(self.directory / PIPE)
            # opened for writing too, so that reading never comes to the end of the file
            self._pipe = os.open(self.directory / PIPE, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            self.close()
            raise BadInput(
                f"{self.directory} cannot be written: {error.strerror or error}",
                "choose another directory with --home, or make room",
            ) from error
        return self._pipe

    def write(self, workflow: dict[str, Any]) -> None:
        """Replace workflow.json. Raises Broken where that fails."""
        try:
            replace_file_by_pieces(self.directory / WORKFLOW, _json_pieces(workflow, NODES))
        except OSError as error:
            raise Broken(
                f"cannot store the workflow in {self.directory}: {error.strerror or error}", "is the disk full?"
            ) from error

    def write_library(self, manifests: list[dict[str, Any]]) -> None:
        """Store the library's manifests, so that a retry finds the same templates. Raises Broken where that fails."""
        try:
            replace_file(self.directory / LIBRARY, json.dumps(manifests, ensure_ascii=False))
        except OSError as error:
            raise Broken(
                f"cannot store {LIBRARY} in {self.directory}: {error.strerror}", "is the disk full?"
            ) from error

    def stop_wanted(self) -> bool:
        """Whether another process has asked, with `stored_runs.stop`, that the run be stopped."""
        return (self.directory / STOP).exists()

    def answers(self) -> dict[str, dict[str, str]]:
        """Take the answers that have come since the last call: values of output parameters, by suspend node's id."""
        if self._pipe is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._pipe, 4096)
        found = {}
        for path in sorted((self.directory / ANSWERS).glob("*.json")):
            found[path.stem] = {str(k): str(v) for k, v in json.loads(path.read_text()).items()}
            path.unlink()
        return found

    def tidy(self) -> None:
        """Remove what nothing needs after the run; its logs, artifacts and workflow.json stay."""
        for name in ("work", ANSWERS):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        for name in (PIPE, STOP):
            (self.directory / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Release the lock: from now on the run counts as ended."""
        for file in (self._pipe, self._lock):
            if file is not None:
                os.close(file)
        self._pipe = self._lock = None
