"""Asks the app over HTTP whether it is alive and ready, as the probes of a kubelet do."""

import http.client
import threading
import time
from dataclasses import dataclass

READINESS_FAILURES = 3
"""Readiness failures in a row after which an app counts as not ready. This is Kubernetes' default."""
LIVENESS_FAILURES = 10
"""Liveness failures in a row after which an app is restarted: 10 x 2 s, longer than a load test keeps a slow app
busy.
"""


@dataclass(frozen=True)
class ProbeTiming:
    """Times in seconds. Kubernetes probes every 10 s, which is long for a person who watches one machine.

    starting, running: the interval before and after the app was ready for the first time. timeout: a later answer is a
    failure; it is twice Kubernetes' default, because half a core may be busy. startup: a container that was never alive
    until then is restarted; the app needs 2 to 3.
    """

    starting: float = 0.2
    running: float = 2.0
    timeout: float = 2.0
    startup: float = 60.0


class Probes:
    """The probes of one container. They run in a thread until `stop`.

    ready: whether the app answers /readyz. failure: why the container has to be restarted, or "".
    """

    def __init__(self, port: int, timing: ProbeTiming | None = None) -> None:
        self.port, self.timing = port, timing or ProbeTiming()
        self.ready = False
        self.failure = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probes", daemon=True)

    def start(self) -> "Probes":
        """Start the thread that probes the app."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop probing. An answer that is still expected does not count any more."""
        self._done.set()

    def _run(self) -> None:
        if not self._wait_until_alive():
            return
        unready = dead = 0
        was_ready = False
        while not self._done.is_set():
            unready = 0 if self._answers("/readyz") else unready + 1
            if unready == 0 or unready >= READINESS_FAILURES:
                self.ready = unready == 0
            was_ready |= self.ready
            dead = 0 if self._answers("/healthz") else dead + 1
            if dead >= LIVENESS_FAILURES:
                self.failure = f"liveness probe failed: /healthz did not answer {LIVENESS_FAILURES} times in a row"
                return
            # probe often until the app is ready for the first time
            self._done.wait(self.timing.running if was_ready or dead else self.timing.starting)

    def _wait_until_alive(self) -> bool:
        deadline = time.monotonic() + self.timing.startup
        while not self._answers("/healthz"):
            if time.monotonic() > deadline:
                self.failure = f"startup probe failed: /healthz did not answer in {self.timing.startup:g} s"
                return False
            if self._done.wait(self.timing.starting):
                return False
        return True

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timing.timeout)
        try:
            connection.request("GET", path)
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
