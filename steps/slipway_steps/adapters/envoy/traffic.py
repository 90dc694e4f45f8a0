"""The traffic of one machine: Envoy before canary and production."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from slipway_steps.adapters.envoy.config import TOLD_BY
from slipway_steps.adapters.envoy.spec import GatewaySpec
from slipway_steps.adapters.envoy.supervisor import envoy
from slipway_steps.adapters.http.app_counts import get_text, read_counts
from slipway_steps.adapters.local.environment_status import lock_is_held, read_status
from slipway_steps.adapters.local.pod import free_port
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import AppError, PlatformError
from slipway_steps.domain.traffic import Counts, Share
from slipway_steps.settings import Settings

ACCEPT_TIMEOUT = 15.0
"""Seconds until the gateway uses new routes. It takes less than 0.2 s, and a second more where Envoy has to start."""
LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that changes the share."""


class EnvoyTraffic:
    """Implements ports.Traffic. The files of the gateway are in the directory `home`/gateway."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home.resolve()
        self.directory = self.home / "gateway"

    def share(self) -> Share:
        """How requests are shared out now. Before the first change production gets all."""
        spec = GatewaySpec.read(self.directory / "spec.json")
        return spec.share if spec else Share()

    def set_share(self, share: Share) -> None:
        """Share requests out anew. Returns once the gateway does; it is started if it does not run. Doing it twice
        changes nothing. Raises PlatformError where the gateway does not take it up.
        """
        if envoy() is None:
            raise PlatformError("the gateway needs Envoy, which is not installed", "pip install 'slipway[traffic]'")
        with self._changing() as before:
            if before is None or before.stopped or before.share != share:
                port = free_port(before.port if before else 0, str(self.directory))
                if before and lock_is_held(self.directory / "supervisor.lock"):
                    port = before.port
                generation = before.generation + 1 if before else 1
                GatewaySpec(generation=generation, share=share, port=port).write(self.directory / "spec.json")
            self._await()

    def stop(self) -> None:
        """End the gateway; the share is kept. Doing it twice changes nothing."""
        if not self.directory.exists():
            return
        with self._changing() as before:
            if before:
                before.model_copy(update={"stopped": True}).write(self.directory / "spec.json")
            deadline = time.monotonic() + ACCEPT_TIMEOUT
            while lock_is_held(self.directory / "supervisor.lock"):
                if time.monotonic() > deadline:
                    raise PlatformError("the gateway does not end", f"see {self.directory / 'supervisor.log'}")
                time.sleep(0.02)

    def url(self) -> str:
        """The base URL at which users reach production and its canary; "" before the first change of the share."""
        spec = GatewaySpec.read(self.directory / "spec.json")
        return f"http://127.0.0.1:{spec.port}" if spec and not spec.stopped else ""

    def counts(self, environment: Environment) -> list[Counts]:
        """What each pod of the environment has answered since it started: here there is one. Raises AppError where it
        does not tell.
        """
        url = read_status(self.home / "environments" / environment.value).url
        return [read_counts(url)] if url else []

    @contextmanager
    def _changing(self) -> Iterator[GatewaySpec | None]:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with FileLock(self.directory / "change.lock", timeout=LOCK_TIMEOUT):
                yield GatewaySpec.read(self.directory / "spec.json")
        except Timeout as error:
            what = f"changing the share failed: another process has been changing it for {LOCK_TIMEOUT:.0f} s"
            raise PlatformError(what, "wait until it has ended") from error
        except OSError as error:
            what = f"changing the share failed in {self.directory}: {error.strerror or error}"
            raise PlatformError(what, "is the disk full or the directory read-only?") from error

    def _await(self) -> None:
        """Return once the gateway uses the routes of the spec. A supervisor that ended is started again."""
        spec = GatewaySpec.read(self.directory / "spec.json")
        deadline = time.monotonic() + ACCEPT_TIMEOUT
        started: subprocess.Popen[bytes] | None = None
        while spec and time.monotonic() < deadline:
            if self._used(spec.port) == str(spec.generation):
                return
            alive = lock_is_held(self.directory / "supervisor.lock")
            if not alive and (started is None or started.poll() is not None):
                started = self._start_supervisor()
            time.sleep(0.02)
        raise PlatformError(
            f"the gateway did not take up its new share in {ACCEPT_TIMEOUT:.0f} s",
            f"see {self.directory / 'envoy.log'} and {self.directory / 'supervisor.log'}",
        )

    def _used(self, port: int) -> str:
        """The generation of the routes that the gateway uses; "" where it does not answer."""
        with suppress(AppError):
            return get_text(f"http://127.0.0.1:{port}{TOLD_BY}", timeout=1)
        return ""

    def _start_supervisor(self) -> "subprocess.Popen[bytes]":
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "PYTHONPATH")}
        with (self.directory / "supervisor.log").open("ab") as log:
            return subprocess.Popen(
                [self.settings.python, "-m", "slipway_steps.adapters.envoy.supervisor", str(self.directory)],
                cwd=self.directory,
                env=keep,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
