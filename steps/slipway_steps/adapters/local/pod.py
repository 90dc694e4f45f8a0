"""One pod on one machine: a process, its limits, its probes, its restarts."""

import ctypes
import errno
import os
import shutil
import signal
import socket
import subprocess
import time
import zlib
from contextlib import suppress
from pathlib import Path

from slipway_steps.adapters.local.limits import Limits, Usage, make_limits
from slipway_steps.adapters.local.probes import Probes
from slipway_steps.adapters.local.state import Spec
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.pods import ContainerState, Pod, Sample

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL; the app needs less than two."""
BACKOFF, BACKOFF_LIMIT = 1.0, 30.0
"""Seconds before the first restart, doubled each time up to the limit; Kubernetes' 10 s and 300 s, scaled down."""
STEADY = 60.0
"""Seconds of running after which the backoff begins anew (Kubernetes: 10 minutes)."""
LOG_LIMIT = 5 * 1024 * 1024
"""Bytes of app.log before it is moved to app.log.1."""
LAST_WORDS = 500
"""Characters of a failed app's last line of output that go into its state."""
FIRST_PORT, PORTS = 20000, 10000
"""Below the ports that the kernel gives to outgoing connections (32768 up): none of those may take an environment's
address away while its app restarts."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def usable(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int, name: str) -> int:
    """`wanted` where it can be bound on loopback, else the first of those that `name` leads to. Raises OSError where
    none is free.
    """
    if wanted and usable(wanted):
        return wanted
    first = zlib.crc32(name.encode())
    # a stride without a factor in common with PORTS visits every port, and spreads names that begin alike
    for port in (FIRST_PORT + (first + step * 7919) % PORTS for step in range(PORTS)):
        if usable(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free")


class PodProcess:
    """Runs the app of a spec until it is stopped; `tick` has to be called several times a second."""

    def __init__(self, spec: Spec, candidate: Candidate, name: str, label: str, log: Path) -> None:
        self.spec, self.candidate, self.name, self.label, self.log = spec, candidate, name, label, log
        self.port = spec.port
        self.child: subprocess.Popen[bytes] | None = None
        self.limits: Limits | None = None
        self.fault = ""
        self.state = ContainerState(kind="waiting", reason="ContainerCreating")
        self.last: ContainerState | None = None
        self.probes: Probes | None = None
        self.ready = False
        self.restarts = -1
        self.backoff = BACKOFF
        self.start_at = 0.0
        self.peak = 0
        self.before: tuple[float, Usage] | None = None
        self.born = time.time()

    def pod(self) -> Pod:
        """As Kubernetes would describe it."""
        phase = "Running" if self.restarts >= 0 else "Pending"
        return Pod(
            name=self.name,
            phase=phase,
            ready=self.ready,
            restarts=max(0, self.restarts),
            digest=self.candidate.digest,
            state=self.state,
            last_state=self.last,
            started_at=self.born,
        )

    def tick(self) -> bool:
        """Start, probe or restart as is due; returns whether something changed."""
        if self.child is None:
            if time.monotonic() < self.start_at:
                return False
            self._start()
            return True
        if self._ended():
            self._account()
            return True
        self._measure_peak()
        return self._heed_probes()

    def _heed_probes(self) -> bool:
        if self.probes is None or self.child is None:
            return False
        if self.probes.failure and not self.fault:
            self.fault = self.probes.failure
            os.killpg(self.child.pid, signal.SIGKILL)
        was, self.ready = self.ready, self.probes.ready and not self.fault
        return was != self.ready

    def _start(self) -> None:
        """Start the app. A failure of our own waits like one of the app's, under Kubernetes' name for it."""
        self.restarts += 1
        self.fault = ""
        if self.state.kind == "terminated":
            self.last = self.state
        try:
            self.port = free_port(self.port, self.label)
            # a group of its own for each start: counts of the one before are not its
            label = f"{self.label}-{os.getpid()}-{self.spec.generation}-{self.restarts}"
            self.limits = make_limits(
                label, self.spec.memory_limit_bytes, self.spec.cpu_limit_millicores, self.spec.watchdog
            )
            self.child = self._spawn(self.limits)
        except (OSError, subprocess.SubprocessError) as error:
            if self.limits:
                self.limits.close()
                self.limits = None
            self._wait("CreateContainerError", str(error))
            return
        self.limits.attach(self.child.pid)
        self.probes = Probes(self.port).start()
        self.state = ContainerState(kind="running", started_at=time.time())
        self.before = None

    def _spawn(self, limits: Limits) -> "subprocess.Popen[bytes]":
        enter, parent = limits.enter, os.getpid()

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
        with self.log.open("ab", buffering=0) as log:
            with suppress(OSError):  # a full disk
                log.write(f"--- {self.name}: start {self.restarts + 1} on port {self.port}, {limits.name}\n".encode())
            return subprocess.Popen(
                self.spec.argv,
                cwd=Path(self.spec.rootfs) / "app",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=prepare,  # noqa: PLW1509 - cgroup and death signal have to be set before exec
            )

    def _ended(self) -> bool:
        """Whether the app has ended; then all that it started is ended too, and it is reaped."""
        if self.child is None or self.child.returncode is not None:
            return True
        if os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        # until it is reaped its number, which is its group's too, cannot be another's
        if self.limits:
            self.limits.detach()
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        return True

    def _account(self) -> None:
        """Put down how the app ended, and when it is started again."""
        code = self.child.returncode if self.child else 0
        self._measure_peak()
        # the kernel may also have killed a child only: how the app then ended is its own doing
        oom = code == -signal.SIGKILL and self.limits is not None and self.limits.oom_killed()
        if oom:
            self.peak = max(self.peak, self.spec.memory_limit_bytes)
        started, now = self.state.started_at or self.born, time.time()
        message = f"memory limit {self.spec.memory_limit_bytes // 2**20} MiB" if oom else self.fault
        self._forget()
        ended = ContainerState(
            kind="terminated",
            reason="OOMKilled" if oom else "Error" if code else "Completed",
            message=message or self._last_words(),
            exit_code=code if code >= 0 else 128 - code,
            started_at=started,
            finished_at=now,
        )
        if now - started > STEADY:
            self.backoff = BACKOFF
        if self.backoff > BACKOFF:
            self.last = ended
            self._wait("CrashLoopBackOff", f"restarts in {self.backoff:.0f} s after {ended.reason}")
        else:  # the first time it is seen as it ended, until it is restarted
            self._wait("", "")
            self.state = ended

    def _forget(self) -> None:
        if self.probes:
            self.probes.stop()
        if self.limits:
            self.limits.close()
        self.child = self.limits = self.probes = None
        self.ready = False

    def _last_words(self) -> str:
        """The last line of the app's output, as a kubelet's FallbackToLogsOnError gives it."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read(4096).decode(errors="replace").split("\n")
            return next((line.strip()[:LAST_WORDS] for line in reversed(lines) if line.strip()), "")
        return ""

    def _wait(self, reason: str, message: str) -> None:
        self.ready = False
        self.state = ContainerState(kind="waiting", reason=reason, message=message)
        self.start_at = time.monotonic() + self.backoff
        self.backoff = min(BACKOFF_LIMIT, self.backoff * 2)

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

    def rotate(self) -> None:
        """Keep app.log within bounds. The app goes on writing where the file then ends, as it appends."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                shutil.copyfile(self.log, self.log.with_name("app.log.1"))
                os.truncate(self.log, 0)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        deadline = time.monotonic() + GRACE
        if self.child and not self._ended():
            os.killpg(self.child.pid, signal.SIGCONT)
            os.killpg(self.child.pid, signal.SIGTERM)
            while not self._ended():
                if time.monotonic() > deadline:
                    os.killpg(self.child.pid, signal.SIGKILL)
                time.sleep(0.02)
        self._forget()
