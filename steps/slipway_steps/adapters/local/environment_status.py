"""The status of an environment of this machine in one line. Reading it changes nothing."""

import fcntl
from pathlib import Path

import psutil

from slipway_steps.adapters.local.state import Spec, Status
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.pods import Pod


def lock_is_held(path: Path) -> bool:
    """Whether a living process holds the flock of a file. It is tried with a shared lock, so any number of processes
    can ask at the same time.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_status(directory: Path) -> EnvironmentStatus:
    """The status of the environment in `directory`. Raises PlatformError where its files are damaged."""
    spec, status = Spec.read(directory / "spec.json"), Status.read(directory / "status.json") or Status()
    if spec is None or spec.candidate is None:
        return EnvironmentStatus(version=None, digest=None, phase="Empty", url=None)
    supervised = lock_is_held(directory / "supervisor.lock")
    url = None
    if spec.stopped:
        phase, message = "Stopped", "stopped by slipway down; start it with: slipway up"
    elif supervised and (status.observed_generation != spec.generation or status.pod is None):
        phase, message = "Pending", "being deployed"
    elif supervised and status.pod:
        url = f"http://127.0.0.1:{status.port}"
        phase, message = _phase(status.pod), _why_down(status.pod, directory.name)
    else:
        phase, message = "Unknown", f"{_why_gone(directory)}; start it with: slipway up"
    return EnvironmentStatus(
        version=spec.candidate.version,
        digest=spec.candidate.digest,
        phase=phase,
        url=url,
        restarts=status.pod.restarts if status.pod else 0,
        message=message,
    )


def _phase(pod: Pod) -> str:
    if pod.state.kind != "running":
        return pod.state.reason
    return "Running" if pod.ready else "Pending"


def _why_down(pod: Pod, name: str) -> str:
    if pod.ready:
        return ""
    why = pod.state.message or ("it is not ready yet" if pod.state.kind == "running" else pod.state.reason)
    last = f" ({pod.last_state.message})" if pod.last_state and pod.last_state.message else ""
    return f"{why}{last}; its log: slipway env logs {name}"


def _why_gone(directory: Path) -> str:
    """Why no supervisor runs. A status file that is older than the machine's last start was written before that
    start.
    """
    try:
        written = (directory / "status.json").stat().st_mtime
    except OSError:
        return "its supervisor never ran"
    return "the machine was restarted" if written < psutil.boot_time() else "its supervisor was killed"
