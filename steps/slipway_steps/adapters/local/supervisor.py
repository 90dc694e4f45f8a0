"""Keeps one environment as its spec says: `python -m slipway_steps.adapters.local.supervisor DIRECTORY`.

It is a process of its own that outlives the release. It holds supervisor.lock as long as it lives, and the app ends
with it.
"""

import fcntl
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from slipway_steps.adapters.local.orphan_cleanup import clean_up, identify, label_of
from slipway_steps.adapters.local.pod import PodProcess
from slipway_steps.adapters.local.state import Spec, Status
from slipway_steps.domain.errors import PlatformError

TICK = 0.1
"""Seconds between two rounds of the control loop. To a person, a changed spec takes effect at once."""
PATIENCE = 1.0
"""Seconds to wait for the lock: a process that only checks whether it is held has it for a moment."""
SAMPLE = 1.0
"""Seconds between two samples of usage."""
SAMPLES = 300
"""The number of samples that are kept: five minutes, longer than any gate looks back."""


class Supervisor:
    """The control loop of one environment."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.status = Status(supervisor=os.getpid())
        self.pod: PodProcess | None = None
        self.seen = -1
        self.ended = False
        self.label = label_of(directory)
        self.said = ""
        self.identified = 0

    def say(self, what: object) -> None:
        """Print a line to the log, unless it repeats the previous one. A full disk must not end the app, so errors are
        ignored.
        """
        if str(what) != self.said:
            self.said = str(what)
            with suppress(OSError):
                print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {what}", flush=True)

    def _reconcile(self) -> bool:
        spec = Spec.read(self.directory / "spec.json")
        if spec is None or spec.generation == self.seen:
            return False
        wanted = spec.wanted
        if self.pod and not (wanted and self.pod.spec.same_pod(spec)):
            self.pod.stop()
            self.pod = None
        if wanted and self.pod is None:
            name = f"{self.directory.name}-{wanted.digest[7:12]}-{spec.generation}"
            self.pod = PodProcess(spec, wanted, name, self.label, self.directory / "app.log")
            self.status.samples, self.status.peak_memory_bytes = [], 0
        self._clean(spec)
        self.seen = self.status.observed_generation = spec.generation
        self.ended = wanted is None
        return True

    def _clean(self, spec: Spec) -> None:
        for path in (self.directory / "rootfs").glob("*"):
            if str(path) != spec.rootfs and not path.name.startswith("."):
                shutil.rmtree(path, ignore_errors=True)

    def _publish(self) -> None:
        self.status.pod = self.pod.pod() if self.pod else None
        if self.pod:
            self.status.port = self.pod.port
            self.status.peak_memory_bytes = self.pod.peak
            self.status.enforced_by = self.pod.limits.name if self.pod.limits else self.status.enforced_by
        child = self.pod.child.pid if self.pod and self.pod.child else 0
        if child != self.identified:
            self.identified, self.status.process = child, identify(child) if child else None
        try:
            self.status.write(self.directory / "status.json")
        except OSError as error:
            self.say(f"status.json cannot be written: {error}")  # a full disk; the app goes on

    def run(self) -> None:
        """Run until the spec wants nothing or SIGTERM arrives."""
        self.say(f"supervises {self.directory.name}")
        sampled = 0.0
        while not self.ended:
            try:
                changed = self._reconcile()
            except PlatformError as error:
                self.say(error)
                changed = False
            if self.pod:
                changed |= self.pod.tick()
                if time.time() - sampled >= SAMPLE:
                    sampled = time.time()
                    self.pod.rotate()
                    if found := self.pod.sample():
                        self.status.samples = [*self.status.samples[-SAMPLES + 1 :], found]
                    changed = True
            if changed:
                self._publish()
            if not self.ended:
                time.sleep(TICK)
        if self.pod:
            self.pod.stop()
            self.pod = None
        self._publish()

    def end(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM: the control loop ends after its current round."""
        self.ended = True


def main(directory: Path) -> int:
    """Run the supervisor of an environment, unless one runs already. Returns the exit code."""
    with (directory / "supervisor.lock").open("w") as lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return 0
                time.sleep(0.01)
        supervisor = Supervisor(directory)
        for done in clean_up(directory):
            supervisor.say(done)
        signal.signal(signal.SIGTERM, supervisor.end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
