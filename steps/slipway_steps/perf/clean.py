"""Cleans up after sessions whose program was killed: removes what they made, and keeps the runs that had ended."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import judge
from slipway_steps.files import LOCK, lock_directory
from slipway_steps.perf.checks import checks_of
from slipway_steps.perf.store import BEGUN, SESSION, read_session, read_unfinished, write_session
from slipway_steps.perf_ports import Target

WORK = "work"
"""The directory of a session in which the local target works; it holds a lock of its own there."""


@dataclass(frozen=True)
class Cleaned:
    """What was done about one session. runs: that were kept. error: why something could not be removed; "" for all."""

    session: str
    removed: Sequence[str]
    runs: int
    error: str = ""


def clean(directory: Path, target_of: Callable[[str], Target]) -> Iterator[Cleaned]:
    """Clean up each session of which the program is gone. directory: holds those of all sessions; target_of: a target
    by its name.

    Sessions whose program lives, or that have ended and removed what they made, are left as they are.
    """
    for path in sorted(directory.glob("perf-*")):
        if not ((path / BEGUN).exists() or (path / WORK).exists()):
            continue
        held: list[int] = []
        try:
            # a comparison has no lock of the session, only that of the target
            held += [lock_directory(one) for one in (path, path / WORK) if (one / LOCK).exists()]
            yield _clean(path, target_of)
        except BlockingIOError:
            continue
        finally:
            for file in held:
                os.close(file)


def _clean(path: Path, target_of: Callable[[str], Target]) -> Cleaned:
    session = read_unfinished(path)
    name = session.scenario.target if session else "local"
    try:
        removed = target_of(name).remove(path.name)
    except SlipwayError as error:
        return Cleaned(path.name, (), 0, str(error))
    runs = len(session.runs) if session else 0
    if session and runs and read_session(path) is None:
        ended = max(run.started for run in session.runs)
        session = session.model_copy(update={"finished": min(ended, time.time()), "notes": ["its program was killed"]})
        checks = checks_of(session, interrupted=True)
        write_session(path / SESSION, session.model_copy(update={"checks": checks, "verdict": judge(checks)}))
    (path / BEGUN).unlink(missing_ok=True)
    if not (path / SESSION).exists():
        shutil.rmtree(path, ignore_errors=True)
    return Cleaned(path.name, removed, runs)
