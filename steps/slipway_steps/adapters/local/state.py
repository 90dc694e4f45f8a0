"""The files of one environment: what is wanted (written by who deploys) and what is (written by its supervisor).

    spec.json         what is wanted: candidate, port, limits; replaced atomically
    status.json       what is: pod, port, processes; replaced atomically at each change
    samples.jsonl     usage of the current pod, one line a sample, the last few minutes
    app.log           what the app printed; app.log.1 once it was rotated
    supervisor.log    what the supervisor did and why
    supervisor.lock   held (flock) by the living supervisor: the one truth about whether there is one
    deploy.lock       held while the environment is being changed
    rootfs/<digest>/  the unpacked image
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeVar

import psutil
from pydantic import BaseModel, ValidationError

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.pods import Pod, Sample

LimiterKind = Literal["auto", "cgroup", "watchdog"]
"""How limits are enforced; auto: by cgroup where one may be made, else by watching the process."""


class Spec(BaseModel):
    """What is wanted. A candidate of None: nothing; `stopped`: nothing for now, but remember it.

    Each generation is one pod. `port` is where it should listen; where it does is in the status.
    """

    generation: int
    pod: str = ""
    candidate: Candidate | None = None
    stopped: bool = False
    port: int
    memory_limit_mib: int
    cpu_limit_millicores: int
    limiter: LimiterKind = "auto"
    entrypoint: list[str] = []
    environment: dict[str, str] = {}
    workdir: str = "/"


class Identity(BaseModel):
    """A process that is recognised again: numbers are reused, a number with its start time (Unix seconds) is not."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The process with that number now, or None."""
        try:
            return cls(pid=pid, created=psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    def find(self) -> psutil.Process | None:
        """The process, if it is still the same one and lives."""
        try:
            process = psutil.Process(self.pid)
            # a clock that was set moves start times; then the process counts as another one and is left alone
            same = abs(process.create_time() - self.created) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


class Status(BaseModel):
    """What is, as its supervisor last wrote it; believed only as far as the supervisor lives.

    groups: control groups that were made for the app, to be removed by whoever finds them without it.
    """

    generation: int
    phase: Literal["serving", "stopped", "empty"]
    port: int
    message: str = ""
    pod: Pod | None = None
    supervisor: Identity
    process: Identity | None = None
    limiter: str = ""
    groups: list[str] = []
    peak_memory_bytes: int | None = None


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Files:
    """The paths of one environment, under its directory."""

    directory: Path

    @property
    def spec(self) -> Path:
        """What is wanted."""
        return self.directory / "spec.json"

    @property
    def status(self) -> Path:
        """What is."""
        return self.directory / "status.json"

    @property
    def samples(self) -> Path:
        """Usage of the current pod."""
        return self.directory / "samples.jsonl"

    @property
    def app_log(self) -> Path:
        """What the app printed."""
        return self.directory / "app.log"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor did."""
        return self.directory / "supervisor.log"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the living supervisor."""
        return self.directory / "supervisor.lock"

    @property
    def deploy_lock(self) -> Path:
        """Held while the environment is being changed."""
        return self.directory / "deploy.lock"

    @property
    def rootfs(self) -> Path:
        """Unpacked images."""
        return self.directory / "rootfs"

    def rootfs_of(self, digest: str) -> Path:
        """The unpacked image of a digest."""
        return self.rootfs / digest.replace(":", "-")

    def read_spec(self) -> Spec | None:
        """What is wanted, or None where nothing ever was. Raises PlatformError for a damaged file."""
        return _read(self.spec, Spec)

    def read_status(self) -> Status | None:
        """What is, or None where no supervisor ever ran. Raises PlatformError for a damaged file."""
        return _read(self.status, Status)

    def read_samples(self) -> list[Sample]:
        """Usage, oldest first; a line that is just being written is left out."""
        try:
            lines = self.samples.read_text().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with suppress(ValidationError):
                found.append(Sample.model_validate_json(line))
        return found

    def supervised(self) -> bool:
        """Whether a supervisor lives."""
        return held(self.supervisor_lock)


def _read(path: Path, model: type[Model]) -> Model | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PlatformError(f"reading {path} failed: {error.strerror}", "is it yours to read?") from error
    except ValidationError as error:
        raise PlatformError(f"{path} is damaged", "deploy again; what is served now goes on meanwhile") from error


def write(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace a file in one move; `durable`: so that it also survives a power cut. Raises OSError, leaving it as it was."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def held(lock: Path) -> bool:
    """Whether a living process holds a lock file (flock); a missing one is not held."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def holding(lock: Path, patience: float) -> Iterator[bool]:
    """Hold a lock file, or say False when another process still did after `patience` seconds.

    A look at the lock (`held`) holds it for a moment too, so even the only one who wants it may have to try again.
    """
    with lock.open("a") as file:
        yield _locked(file, time.monotonic() + patience)


def _locked(file: IO[str], deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
