"""One pod on one machine: a process, its limits, its probes, its restarts."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from slipway_steps.adapters.local.limits import Limits, Usage, make_limits
from slipway_steps.adapters.local.state import Spec
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.pods import ContainerState, Pod, Sample

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL; the app needs less than two."""
BACKOFF, BACKOFF_LIMIT = 1.0, 30.0
"""Seconds before the first restart, doubled each time up to the limit; Kubernetes' 10 s and 300 s, scaled down."""
STEADY = 60.0
"""Seconds of running after which the backoff begins anew (Kubernetes: 10 minutes)."""
PROBE_TIMEOUT = 2.0
"""Seconds; at half a core a busy app answers late."""
LIVENESS_FAILURES = 10
"""Failed liveness probes in a row before a restart: 10 x 2 s, longer than a load test keeps the app busy."""
LOG_LIMIT = 5 * 1024 * 1024
"""Bytes of app.log before it is renamed to app.log.1."""
SIGKILLED = 137
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def free_port(wanted: int) -> int:
    """`wanted` where it can be bound on loopback, else one that can."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted


class PodProcess:
    """Runs the app of a spec until it is stopped; `tick` has to be called several times a second."""

    def __init__(self, spec: Spec, candidate: Candidate, name: str, label: str, log: Path) -> None:
        self.spec, self.candidate, self.name, self.label, self.log = spec, candidate, name, label, log
        self.port = spec.port
        self.child: subprocess.Popen[bytes] | None = None
        self.limits: Limits | None = None
        self.state = ContainerState(kind="waiting", reason="ContainerCreating")
        self.last: ContainerState | None = None
        self.ready = False
        self.restarts = -1
        self.backoff = BACKOFF
        self.start_at = 0.0
        self.probed = 0.0
        self.failures = 0
        self.peak = 0
        self.before: tuple[float, Usage] | None = None
        self.born = time.time()

    def pod(self) -> Pod:
        """As Kubernetes would describe it."""
        phase = "Running" if self.child or self.restarts >= 0 else "Pending"
        return Pod(
            name=self.name,
            phase=phase,
            ready=self.ready,
            restarts=max(0, self.restarts),
            digest=self.candidate.digest,
            state=self.state,
            last_state=self.last,
            started_at=self.state.started_at or self.born,
        )

    def tick(self) -> bool:
        """Start, probe or restart as is due; returns whether something changed."""
        now = time.time()
        if self.child is None:
            if now < self.start_at:
                return False
            self._start()
            return True
        code = self.child.poll()
        if code is not None:
            self._ended(code)
            return True
        return self._probe() if now - self.probed > (2.0 if self.ready else 0.25) else False

    def _start(self) -> None:
        self.port = free_port(self.port)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_name("app.log.1"))
        self.limits = make_limits(self.label, self.spec.memory_limit_bytes, self.spec.cpu_limit_millicores)
        enter, parent = self.limits.enter, os.getpid()

        def prepare() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)  # the supervisor died in between
            if enter:
                enter()

        # a minimal environment: no secret of whoever deployed reaches the app
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SLIPWAY_IMAGE_DIGEST": self.candidate.digest,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.restarts += 1
        with self.log.open("ab") as log:
            log.write(f"--- {self.name}: start {self.restarts + 1} on port {self.port}, {self.limits.name}\n".encode())
            log.flush()
            try:
                self.child = subprocess.Popen(
                    self.spec.argv,
                    cwd=Path(self.spec.rootfs) / "app",
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=prepare,  # noqa: PLW1509 - cgroup and death signal have to be set before exec
                )
            except (OSError, subprocess.SubprocessError) as error:
                log.write(f"cannot be started: {error}\n".encode())
                self.limits.close()
                self._wait("CreateContainerError", str(error))
                return
        self.limits.attach(self.child.pid)
        self.state = ContainerState(kind="running", started_at=time.time())
        self.before, self.failures = None, 0

    def _ended(self, code: int) -> None:
        oom = bool(self.limits and self.limits.oom_killed())
        self._measure_peak()
        if self.limits:
            self.limits.close()
        started = self.state.started_at
        self.last = ContainerState(
            kind="terminated",
            reason="OOMKilled" if oom else "Error" if code else "Completed",
            message=f"memory limit {self.spec.memory_limit_bytes // 2**20} MiB" if oom else "",
            exit_code=code if code >= 0 else 128 - code,
            started_at=started,
            finished_at=time.time(),
        )
        self.child = None
        if started and time.time() - started > STEADY:
            self.backoff = BACKOFF
        self._wait("CrashLoopBackOff", f"restarts in {self.backoff:.0f} s after {self.last.reason}")

    def _wait(self, reason: str, message: str) -> None:
        self.ready = False
        self.state = ContainerState(kind="waiting", reason=reason, message=message)
        self.start_at = time.time() + self.backoff
        self.backoff = min(BACKOFF_LIMIT, self.backoff * 2)

    def _probe(self) -> bool:
        path = "healthz" if self.ready else "readyz"
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/{path}", timeout=PROBE_TIMEOUT)
            well = answer.status_code == 200
        except requests.RequestException:
            well = False
        self.probed = time.time()
        was = self.ready
        self.failures = 0 if well else self.failures + 1
        if well:
            self.ready = True
        elif self.ready and self.failures >= LIVENESS_FAILURES and self.child:
            self.child.kill()
        return was != self.ready

    def _measure_peak(self) -> Usage | None:
        usage = self.limits.usage() if self.limits else None
        if usage:
            self.peak = max(self.peak, min(usage.peak, self.spec.memory_limit_bytes))
        return usage

    def sample(self) -> Sample | None:
        """Usage since the sample before; None for the first after a start, or when nothing runs."""
        if self.child is None:
            return None
        usage, now = self._measure_peak(), time.time()
        before, self.before = self.before, (now, usage) if usage else None
        if usage is None or before is None:
            return None
        passed = max(1e-3, now - before[0])
        return Sample(
            at=now,
            memory_bytes=usage.memory,
            cpu_millicores=max(0.0, (usage.cpu - before[1].cpu) / passed * 1000),
            throttled_percent=min(100.0, max(0.0, (usage.throttled - before[1].throttled) / passed * 100)),
        )

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        if self.child is None:
            return
        for number in (signal.SIGCONT, signal.SIGTERM):
            try:
                os.killpg(self.child.pid, number)
            except ProcessLookupError:
                break
        try:
            self.child.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        if self.limits:
            self.limits.close()
        self.child = None
