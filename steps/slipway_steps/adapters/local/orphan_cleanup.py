"""What a killed supervisor left behind: its app, where the kernel did not end that with it, and control groups."""

import hashlib
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from slipway_steps.adapters.local.limits import remove_groups
from slipway_steps.adapters.local.state import Identity, Status
from slipway_steps.domain.errors import PlatformError


def label_of(directory: Path) -> str:
    """The name by which this environment's control groups begin: unique on this machine, and the same for whoever
    cleans up after a killed supervisor.
    """
    return f"slipway-{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}"


def find(known: Identity) -> psutil.Process | None:
    """The process, if it still lives and is the same: numbers are used again, a number with its start time is not."""
    with suppress(psutil.Error):
        process = psutil.Process(known.pid)
        # where the clock was set meanwhile it counts as another process, and is left alone
        if abs(process.create_time() - known.created) < 1 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def identify(pid: int) -> Identity | None:
    """The process with that number now, to be recognised later."""
    with suppress(psutil.Error):
        return Identity(pid=pid, created=psutil.Process(pid).create_time())
    return None


def clean_up(directory: Path) -> list[str]:
    """End and remove it; only while no supervisor lives. Returns what was done, in words."""
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
