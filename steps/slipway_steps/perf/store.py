"""A session on disk: `<directory>/<session>/`, with what was measured so far and, at its end, the whole session.

`begun.json`: the session without runs, from before the first run until all that it made is removed and its runs are in
`session.json`. `runs.jsonl`: a line for each run, written when the run has ended. `session.json`: the whole session,
written at its end. `lock`: held while the program lives, which is how a session that was killed is told from one that
runs.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.files import lock_directory, replace_file

BEGUN, RUNS, SESSION = "begun.json", "runs.jsonl", "session.json"


class SessionStore:
    """The directory of one session, for the program that runs it."""

    def __init__(self, directory: Path, name: str) -> None:
        """Create it and take its lock. Raises BadInput where it cannot be written."""
        self.directory = directory.absolute() / name
        try:
            self._lock = lock_directory(self.directory)
        except OSError as error:
            raise BadInput(f"{self.directory} cannot be written: {error.strerror}", "choose another --home") from error

    def begin(self, session: PerfSession) -> None:
        """Store what is known before the first run. Raises Broken where that fails."""
        write_session(self.directory / BEGUN, session)

    def add(self, sample: RunSample) -> None:
        """Store a run that has ended. Raises Broken where that fails."""
        try:
            with (self.directory / RUNS).open("a") as file:
                file.write(sample.model_dump_json() + "\n")
        except OSError as error:
            raise Broken(f"cannot write to {self.directory}: {error.strerror}", "is the disk full?") from error

    def finish(self, session: PerfSession) -> None:
        """Store the whole session. Raises Broken where that fails."""
        write_session(self.directory / SESSION, session)

    def discard(self) -> None:
        """Remove the directory of a session of which no run has ended; one with runs stays."""
        if not has_runs(self.directory):
            shutil.rmtree(self.directory, ignore_errors=True)

    def close(self, *, removed: bool = True) -> None:
        """Release the lock. removed: whether all that the session made is gone.

        `slipway perf clean` finds a session of which something is left, or whose runs are in no `session.json` yet.
        """
        if removed and ((self.directory / SESSION).is_file() or not has_runs(self.directory)):
            (self.directory / BEGUN).unlink(missing_ok=True)
        os.close(self._lock)


def has_runs(directory: Path) -> bool:
    """Whether runs were stored there, also such as cannot be read. directory: the session's. Raises OSError."""
    try:
        return (directory / RUNS).stat().st_size > 0
    except FileNotFoundError:
        return False


def write_session(path: Path, session: PerfSession) -> None:
    """Write a session to a file, whole or not at all. Raises Broken."""
    try:
        replace_file(path, session.model_dump_json(indent=1))
    except OSError as error:
        raise Broken(f"cannot write {path}: {error.strerror}", "is the disk full?") from error


def read_session(directory: Path) -> PerfSession | None:
    """A session that has ended; None where it has not, or its file cannot be read. directory: the session's."""
    return _read(directory / SESSION)


def read_unfinished(directory: Path) -> PerfSession | None:
    """A session whose program was killed, with the runs that had ended; None where it wrote nothing.

    directory: the session's.
    """
    begun = _read(directory / BEGUN)
    return begun and begun.model_copy(update={"runs": list(_runs(directory / RUNS))})


def _read(path: Path) -> PerfSession | None:
    try:
        return PerfSession.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _runs(path: Path) -> Iterator[RunSample]:
    """The runs of a file; a line that cannot be read, such as a last one that was cut off, is left out."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield RunSample.model_validate_json(line)
        except ValidationError:
            continue
