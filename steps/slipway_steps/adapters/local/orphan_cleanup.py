"""Orphan cleanup: removes what a killed supervisor left, which is its app, where the kernel did not end that too, and
its control groups.
"""

import hashlib
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from slipway_steps.adapters.local.control_groups import remove_groups
from slipway_steps.adapters.local.state import Identity, Status
from slipway_steps.domain.errors import PlatformError


def label_of(directory: Path) -> str:
    """The prefix of the names of this environment's control groups. It is unique on this machine, and whoever cleans up
    after a killed supervisor computes the same one.
    """
    return f"slipway-{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}"


def find(known: Identity) -> psutil.Process | None:
    """The known process, if it still lives. It is recognised by its number and its start time, because a number is used
    again.
    """
    with suppress(psutil.Error):
        process = psutil.Process(known.pid)
        # after a change of the clock it counts as another process, and is not ended
        if abs(process.create_time() - known.created) < 1 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def identify(pid: int) -> Identity | None:
    """The number and the start time of a process, by which `find` recognises it later; None where it does not exist."""
    with suppress(psutil.Error):
        return Identity(pid=pid, created=psutil.Process(pid).create_time())
    return None


def clean_up(directory: Path) -> list[str]:
    """End the orphaned app and remove the control groups. Call it only while no supervisor lives. Returns sentences
    that say what was done.
    """
    done = []
    status = None
    with suppress(PlatformError):  # a damaged status names no process; the kernel ends an app with its supervisor
        status = Status.read(directory / "status.json")
    orphan = find(status.process) if status and status.process else None
    if orphan:
        with suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(orphan.pid) == orphan.pid:
                os.killpg(orphan.pid, signal.SIGKILL)
            orphan.kill()
            orphan.wait(timeout=5)
        done.append(f"ended process {orphan.pid}, which had lost its supervisor")
    done += [f"removed control group {path}" for path in remove_groups(label_of(directory))]
    return done
