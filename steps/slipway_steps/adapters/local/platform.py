"""The environments of one machine."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil
from filelock import FileLock, Timeout

from slipway_steps.adapters.local.environment_status import lock_is_held, read_status
from slipway_steps.adapters.local.orphan_cleanup import clean_up
from slipway_steps.adapters.local.pod import free_port
from slipway_steps.adapters.local.state import Spec, Status
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, app_url, service_host
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.errors import ImageError, PlatformError
from slipway_steps.domain.image_reference import DIGEST
from slipway_steps.domain.pods import ContainerState, Observation, Pod
from slipway_steps.settings import Settings

ACCEPT_TIMEOUT = 15.0
"""Seconds that a supervisor may take to act on a new spec. It reads the spec ten times a second, but may first have to
stop an app."""
CHANGE_TIMEOUT = 60.0
"""Seconds to wait for another process that changes the environment: it takes up to 15 s, and unpacks an image too."""


class UnpackableImages(Protocol):
    """The methods of the image store that this platform needs."""

    def unpack(self, digest: str, target: Path) -> Path:
        """Unpack the app of an image to `target` and return that directory. Raises ImageError."""

    def config(self, digest: str) -> dict:  # type: ignore[type-arg]
        """The OCI config of an image: entry point, environment, user. Raises ImageError."""


def _unsupervised(directory: Path, stopped: bool) -> Spec | None:
    """The spec of an environment that should run something but has no supervisor; else None. `stopped`: also where the
    environment was stopped.
    """
    spec = Spec.read(directory / "spec.json")
    if spec is None or (spec.candidate if stopped else spec.wanted) is None:
        return None
    return spec if spec.stopped or not lock_is_held(directory / "supervisor.lock") else None


def pending_pod(candidate: Candidate) -> Pod:
    """The pod of a candidate that is deployed, while the supervisor has not started it yet."""
    state = ContainerState(kind="waiting", reason="ContainerCreating")
    return Pod(name="", phase="Pending", ready=False, restarts=0, digest=candidate.digest, state=state)


class LocalPlatform:
    """Implements ports.Platform with supervised processes. Their files are in the directory `home`/environments."""

    def __init__(self, settings: Settings, images: UnpackableImages) -> None:
        self.settings = settings
        self.images = images
        self.home = settings.home.resolve()

    def _directory(self, environment: Environment) -> Path:
        return self.home / "environments" / environment.value

    def log_path(self, environment: Environment) -> Path:
        """The path of the app's log in an environment."""
        return self._directory(environment) / "app.log"

    @contextmanager
    def _changing(self, environment: Environment, what: str) -> Iterator[Path]:
        directory = self._directory(environment)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with FileLock(directory / "deploy.lock", timeout=CHANGE_TIMEOUT):
                yield directory
        except Timeout as error:
            raise PlatformError(
                f"{what} {environment} failed: another process has been changing it for {CHANGE_TIMEOUT:.0f} s",
                "wait until it has ended",
            ) from error
        except OSError as error:
            raise PlatformError(
                f"{what} {environment} failed in {directory}: {error.strerror or error}",
                "is the disk full or the directory read-only?",
            ) from error

    def deploy(self, environment: Environment, candidate: Candidate, release: str = "") -> None:
        """Unpack the image and write the spec of the environment. Returns once a supervisor has acted on it.
        Environments that lost their supervisor are started again as well.
        """
        with self._changing(environment, "deploying to") as directory:
            spec = Spec.read(directory / "spec.json")
            if not DIGEST.fullmatch(candidate.digest):
                raise ImageError(f"{candidate.digest!r} is not an image digest", "a digest looks like sha256:0123...")
            rootfs = directory / "rootfs" / candidate.digest.removeprefix("sha256:")
            entry = self.images.config(candidate.digest).get("config", {}).get("Entrypoint") or []
            if len(entry) < 2 or entry[0] != "python":
                raise ImageError(f"image {candidate.digest} has no Python entry point", "build it again")
            self.images.unpack(candidate.digest, rootfs)
            program = (rootfs / entry[1].lstrip("/")).resolve()
            if not program.is_relative_to(rootfs.resolve()):
                raise ImageError(f"the entry point of image {candidate.digest} lies outside of it", "build it again")
            self._apply(
                directory,
                spec,
                candidate=candidate,
                rootfs=str(rootfs),
                # -E -s: no variable and no user directory brings files of elsewhere into the app
                argv=[self.settings.python, "-E", "-s", str(program), *entry[2:]],
            )
        for other in Environment:
            # after a restart of the machine, nothing else may start the others for a long time. A failure there
            # does not belong to this deployment; `slipway status` shows it
            with suppress(PlatformError):
                self.ensure(other)

    def empty(self, environment: Environment, release: str = "") -> None:
        """Stop the app and its supervisor, and forget the candidate."""
        with self._changing(environment, "emptying") as directory:
            if spec := Spec.read(directory / "spec.json"):
                self._apply(directory, spec, candidate=None, rootfs="", argv=[])

    def down(self, environment: Environment) -> None:
        """Stop the app and its supervisor, but remember the candidate, so that it can be started again. Doing it twice
        changes nothing.
        """
        if not self._directory(environment).exists():
            return
        with self._changing(environment, "stopping") as directory:
            spec = None
            with suppress(PlatformError):  # it is damaged, and stays so that a person can look at it
                spec = Spec.read(directory / "spec.json")
            if spec:
                self._apply(directory, spec, candidate=spec.candidate, rootfs=spec.rootfs, argv=spec.argv, stopped=True)
            else:
                self._end_supervisor(directory)

    def _end_supervisor(self, directory: Path) -> None:
        """End a supervisor that has no readable spec, so it cannot be stopped through it. The process holds the lock
        and has the directory in its command line, so it cannot be another one.
        """
        status = Status.read(directory / "status.json")
        deadline = time.monotonic() + ACCEPT_TIMEOUT
        while status and lock_is_held(directory / "supervisor.lock"):
            with suppress(psutil.Error):
                process = psutil.Process(status.supervisor)
                if str(directory) in process.cmdline():
                    process.terminate()
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"the supervisor of {directory.name} (process {status.supervisor}) does not end", "kill it"
                )
            time.sleep(0.1)
        clean_up(directory)

    def ensure(self, environment: Environment, *, stopped: bool = False) -> None:
        """Start the supervisor again where it died, as after a restart of the machine, and the environment should run
        something. `stopped`: also where `down` stopped it.
        """
        directory = self._directory(environment)
        if _unsupervised(directory, stopped):
            with self._changing(environment, "restarting") as directory:
                if spec := _unsupervised(directory, stopped):
                    # a new generation is a new pod, so the old status and its restarts are not counted for it
                    spec = spec.model_copy(update={"generation": spec.generation + 1, "stopped": False})
                    spec.write(directory / "spec.json")
                    self._supervise(directory, spec)

    def _apply(
        self,
        directory: Path,
        before: Spec | None,
        *,
        candidate: Candidate | None,
        rootfs: str,
        argv: list[str],
        stopped: bool = False,
    ) -> None:
        status = None
        with suppress(PlatformError):  # it is damaged; the supervisor writes it again
            status = Status.read(directory / "status.json")
        # larger than any generation that a supervisor has seen, even where spec.json was lost, or it would be ignored
        seen = max(before.generation if before else 0, status.observed_generation if status else 0)
        spec = Spec(
            generation=seen + 1,
            candidate=candidate,
            rootfs=rootfs,
            argv=argv,
            port=before.port if before else free_port(0, str(directory)),
            memory_limit_bytes=self.settings.memory_limit_mib * 2**20,
            cpu_limit_millicores=self.settings.cpu_limit_millicores,
            watchdog=self.settings.limits == "watchdog",
            stopped=stopped,
        )
        alive = lock_is_held(directory / "supervisor.lock")
        unchanged = before is not None and spec == before.model_copy(update={"generation": spec.generation})
        if unchanged and (alive or spec.wanted is None):
            return
        spec.write(directory / "spec.json")
        if alive or spec.wanted:
            self._supervise(directory, spec)
        if spec.wanted is None:
            clean_up(directory)  # of a supervisor that was killed; one that ended left nothing

    def _supervise(self, directory: Path, spec: Spec) -> None:
        """Return once a supervisor has acted on the spec. One that was just about to end is started again."""
        deadline = time.monotonic() + ACCEPT_TIMEOUT
        started: subprocess.Popen[bytes] | None = None
        while time.monotonic() < deadline:
            alive = lock_is_held(directory / "supervisor.lock")
            status = Status.read(directory / "status.json")
            seen = status is not None and status.observed_generation == spec.generation
            if seen and alive == (spec.wanted is not None):
                return
            if not alive and spec.wanted and (started is None or started.poll() is not None):
                started = self._start_supervisor(directory)
            time.sleep(0.05)
        raise PlatformError(
            f"the supervisor of {directory.name} did not take up its new spec in {ACCEPT_TIMEOUT:.0f} s",
            f"see {directory / 'supervisor.log'}",
        )

    def _start_supervisor(self, directory: Path) -> "subprocess.Popen[bytes]":
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "PYTHONPATH")}
        with (directory / "supervisor.log").open("ab") as log:
            return subprocess.Popen(
                [self.settings.python, "-m", "slipway_steps.adapters.local.supervisor", str(directory)],
                cwd=directory,
                env=keep,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def deployed(self, environment: Environment) -> Candidate | None:
        """The candidate in the spec of the environment, or None."""
        spec = Spec.read(self._directory(environment) / "spec.json")
        return spec.candidate if spec else None

    def observe(self, environment: Environment) -> Observation:
        """The pod of the environment and its usage. A supervisor that died is started again first."""
        self.ensure(environment)
        directory = self._directory(environment)
        spec, status = Spec.read(directory / "spec.json"), Status.read(directory / "status.json") or Status()
        pods = [status.pod] if status.pod and spec and spec.wanted else []
        if spec and spec.wanted and status.observed_generation != spec.generation:
            pods = [pending_pod(spec.wanted)]  # the status still describes the previous pod
        started = pods[0].started_at if pods else None
        return Observation(
            environment=environment,
            pods=pods,
            samples=[sample for sample in status.samples if started is None or sample.at > started],
            metrics_available=True,
            memory_limit_bytes=self.settings.memory_limit_mib * 2**20,
            cpu_limit_millicores=self.settings.cpu_limit_millicores,
            peak_memory_bytes=status.peak_memory_bytes or None,
        )

    def measure(self, environment: Environment) -> Observation:
        """The same as `observe`: the supervisor measures all the time."""
        return self.observe(environment)

    def status(self, environment: Environment) -> EnvironmentStatus:
        """The status of the environment in one line. Changes nothing."""
        return read_status(self._directory(environment))

    def url(self, app_host: str) -> str:
        """The address of the process behind a Service name of an environment; any other host is used as it is."""
        plain = app_host.removeprefix("http://").rstrip("/")
        for environment in Environment:
            host = service_host(self.settings.app, environment)
            if plain in (host, host.rpartition(":")[0]):
                self.ensure(environment)
                return self.status(environment).url or "http://127.0.0.1:9"  # nothing listens there: refused at once
        return app_url(app_host)

    def stored_workflow(self, release: str) -> None:
        """None: whoever runs the engine has the workflow when it has ended, and writes its report."""

    def unschedulable(self, pod: str) -> str:
        """Nothing: a process always has its machine."""
        return ""

    def release_alive(self, release: str) -> bool:
        """Whether the engine still holds the lock of the run of that name."""
        if not release or "/" in release:
            return False
        return lock_is_held(self.home / "runs" / release / "lock")

    def label_release(self, release: str, labels: dict[str, str]) -> None:
        """Nothing to do: on one machine nobody searches by labels."""
