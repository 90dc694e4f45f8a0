"""Cleans up after sessions whose program was killed: removes what they made, and keeps the runs that had ended.

`clean` knows the sessions of this machine by their directories, `clean_target` those of all machines by what a target
still has of them.
"""

import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import judge
from slipway_steps.files import LOCK, lock_directory
from slipway_steps.perf.checks import checks_of
from slipway_steps.perf.store import BEGUN, RUNS, SESSION, has_runs, read_session, read_unfinished, write_session
from slipway_steps.perf_ports import Target

NAME = re.compile(r"perf-[bcdfghjklmnpqrstvwxz2456789]{5}(-[a-z0-9.-]+)?")
"""The names of sessions; those of the sides of a comparison have an end of their own."""
WORK = "work"
"""The directory of a session in which the local target works; it holds a lock of its own there."""
LOGS = "logs"
"""The directory of a session in which the local target keeps the logs of failed runs."""


@dataclass(frozen=True)
class Cleaned:
    """What was done about one session. runs: that were kept. error: why something could not be removed; "" for all."""

    session: str
    removed: Sequence[str]
    runs: int
    error: str = ""


@dataclass(frozen=True)
class Found:
    """A session of which a target still had something. removed: what of it was removed. alone: why it was left alone;
    "": it was not. error: why it could not be removed; "": it could.
    """

    session: str
    removed: Sequence[str] = ()
    alone: str = ""
    error: str = ""

    def __str__(self) -> str:
        """A line for people."""
        done = f"removed {', '.join(self.removed)}" if self.removed else "nothing was left"
        left = f"left alone: {self.alone}" if self.alone else ""
        return f"{self.session}: {self.error or left or done}"


def clean_target(target: Target, now: float) -> Iterator[Found]:
    """Remove what sessions of anybody have left at a target, once the time is over until which they may run: who was
    killed tells nobody, and another machine cannot see whether their program lives. now: Unix seconds. Raises
    SlipwayError where the target cannot be asked.
    """
    for session, until in sorted(target.sessions().items()):
        if until == math.inf:
            yield Found(session, alone="it does not tell until when it may run; remove it yourself")
        elif now <= until:
            end = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S} UTC"
            yield Found(session, alone=f"it may still be running, until {end}")
        else:
            try:
                yield Found(session, target.remove(session))
            except SlipwayError as error:
                yield Found(session, error=str(error))


def clean(directory: Path, target_of: Callable[[str], Target]) -> Iterator[Cleaned]:
    """Clean up each session of which the program is gone. directory: holds those of all sessions; target_of: a target
    by its name.

    Sessions whose program lives, or that have ended and removed what they made, are left as they are; so is whatever
    has not the name, the lock and the `begun.json` of a session, unless the lock is all that it has. A directory with
    runs is never removed.
    """
    for path in sorted(directory.glob("perf-*")):
        ours = NAME.fullmatch(path.name) and not path.is_symlink() and (path / LOCK).is_file()
        if not (ours and ((path / BEGUN).is_file() or _has_no_begin(path))):
            continue
        held: list[int] = []
        try:
            # the local target holds a lock of its own
            for one in (path, path / WORK):
                if (one / LOCK).exists():
                    held.append(lock_directory(one))
            yield _clean(path, target_of)
        except BlockingIOError:
            continue
        except (SlipwayError, OSError) as error:
            yield Cleaned(path.name, (), 0, str(error))
        finally:
            for file in held:
                os.close(file)


def _has_no_begin(path: Path) -> bool:
    """Whether a session left no more than its lock: it could not write what it begins with, and has made nothing."""
    return all(one.name == LOCK or one.name.startswith(f".{BEGUN}.") for one in path.iterdir())


def _clean(path: Path, target_of: Callable[[str], Target]) -> Cleaned:
    """Raises SlipwayError and OSError."""
    if not (path / BEGUN).is_file() and _has_no_begin(path):
        _remove_own(path)
        return Cleaned(path.name, (), 0)
    session = read_unfinished(path)
    if session is None or session.name != path.name:
        why = "cannot be read" if session is None else f"is of {session.name}"
        return Cleaned(path.name, (), 0, f"nothing was removed: {path / BEGUN} {why}; look at {path} yourself")
    removed = target_of(session.scenario.target).remove(path.name)
    runs = len(session.runs)
    if not runs and has_runs(path):
        return Cleaned(path.name, removed, 0, f"{path / RUNS} has no line that can be read; look at it yourself")
    if runs and read_session(path) is None:
        ended = max(run.started for run in session.runs)
        session = session.model_copy(update={"finished": min(ended, time.time()), "notes": ["its program was killed"]})
        checks = checks_of(session, interrupted=True)
        write_session(path / SESSION, session.model_copy(update={"checks": checks, "verdict": judge(checks)}))
    (path / BEGUN).unlink(missing_ok=True)
    if not (path / SESSION).exists():
        _remove_own(path)
    return Cleaned(path.name, removed, runs)


def _remove_own(path: Path) -> None:
    """Remove what Slipway writes into the directory of a session, and the directory if nothing else lies there."""
    shutil.rmtree(path / LOGS, ignore_errors=True)
    half_written = [file for name in (BEGUN, SESSION) for file in path.glob(f".{name}.*")]
    for file in (path / RUNS, path / LOCK, path / "slowed.yaml", *path.glob("yardstick-*-*"), *half_written):
        file.unlink(missing_ok=True)
    with suppress(OSError):
        path.rmdir()
