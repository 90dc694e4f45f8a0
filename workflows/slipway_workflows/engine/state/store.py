"""The stored state of a run: its lock, its workflow.json, its pipe for answers."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput, Broken, Refused
from slipway_steps.files import replace_file
from slipway_workflows.argo.stored import StoredWorkflow, read_workflow

WORKFLOW, LOCK, PIPE, ANSWERS = "workflow.json", "lock", "answers.pipe", "answers"
LIBRARY, STOP = "library.json", "stop"
FOR_RETRY = (WORKFLOW, LIBRARY, "logs", "artifacts")
"""What a retry of the run needs."""


def runs_of(home: Path) -> Path:
    """Where the runs of a home lie."""
    return home / "runs"


def is_alive(directory: Path) -> bool:
    """Whether an engine works on this run now: it holds the flock for as long as it lives."""
    try:
        file = os.open(directory / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        # shared, so that two who look at once do not take each other for the engine
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(file)


def load_workflow(directory: Path) -> StoredWorkflow | None:
    """The stored workflow, or None where there is none that can be read."""
    try:
        return read_workflow(json.loads((directory / WORKFLOW).read_text()))
    except (OSError, ValueError, BadInput):
        return None


def _taken(lock: int) -> bool:
    """Take the lock; somebody may just be looking whether it is free, so that one refusal is not the last word."""
    for pause in (0.02, 0.1, 0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


class Store:
    """The directory of one run, owned by this process."""

    def __init__(self, home: Path, name: str) -> None:
        self.directory = (runs_of(home) / name).absolute()
        self._lock: int | None = None
        self._pipe: int | None = None

    def open(self, keep: bool = False) -> int:
        """Take the directory over, emptied but for what a retry needs where `keep`; returns the reading end of the pipe
        that announces answers.

        Raises BadInput where it cannot be written, Refused where a workflow of that name runs now.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            if not _taken(self._lock):
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
            # opened for writing too, so that it never ends
            self._pipe = os.open(self.directory / PIPE, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            self.close()
            raise BadInput(
                f"{self.directory} cannot be written: {error.strerror or error}",
                "choose another directory with --home, or make room",
            ) from error
        return self._pipe

    def write(self, workflow: dict[str, Any]) -> None:
        """Store the workflow. Raises Broken where that fails."""
        try:
            replace_file(self.directory / WORKFLOW, json.dumps(workflow, ensure_ascii=False))
        except OSError as error:
            raise Broken(
                f"cannot store the workflow in {self.directory}: {error.strerror or error}", "is the disk full?"
            ) from error

    def write_library(self, manifests: list[dict[str, Any]]) -> None:
        """Store what names were looked up in, so that a retry finds the same. Raises Broken where that fails."""
        try:
            replace_file(self.directory / LIBRARY, json.dumps(manifests, ensure_ascii=False))
        except OSError as error:
            raise Broken(
                f"cannot store {LIBRARY} in {self.directory}: {error.strerror}", "is the disk full?"
            ) from error

    def stop_wanted(self) -> bool:
        """Whether somebody asked, by `stored_runs.stop`, that the run be stopped."""
        return (self.directory / STOP).exists()

    def answers(self) -> dict[str, dict[str, str]]:
        """The answers that came since the last look, by node id."""
        if self._pipe is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._pipe, 4096)
        found = {}
        for path in sorted((self.directory / ANSWERS).glob("*.json")):
            found[path.stem] = {str(k): str(v) for k, v in json.loads(path.read_text()).items()}
            path.unlink()
        return found

    def tidy(self) -> None:
        """Remove what nothing needs any more; logs, artifacts and the workflow stay."""
        for name in ("work", ANSWERS):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        for name in (PIPE, STOP):
            (self.directory / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Let the directory go; from now on the run is not alive."""
        for file in (self._pipe, self._lock):
            if file is not None:
                os.close(file)
        self._pipe = self._lock = None
