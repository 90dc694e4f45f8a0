"""One pod on one machine: a process with its limits, probes and restarts."""

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
"""Seconds between SIGTERM and SIGKILL. The app needs less than two."""
BACKOFF, BACKOFF_LIMIT = 1.0, 30.0
"""Seconds before the first restart, doubled each time up to the limit. Kubernetes has 10 s and 300 s."""
BACKOFF_RESET = 60.0
"""Seconds without a failure after which the backoff starts from its beginning (Kubernetes: 10 minutes)."""
LOG_LIMIT = 5 * 1024 * 1024
"""Bytes of app.log before it is moved to app.log.1."""
LAST_LINE_LIMIT = 500
"""Characters of a failed app's last line of output that go into its state."""
FIRST_PORT, PORTS = 20000, 10000
"""The range of ports for environments. It is below the ports that the kernel uses for outgoing connections (32768 and
up), so that no connection can take the port of an app while it restarts."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def usable(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int, name: str) -> int:
    """`wanted` where it is free on the loopback address, else the first free port of a sequence that starts at a hash
    of `name`. Raises OSError where no port is free.
    """
    if wanted and usable(wanted):
        return wanted
    first = zlib.crc32(name.encode())
    # the step has no common factor with PORTS, so every port is tried, and similar names get distant ports
    for port in (FIRST_PORT + (first + step * 7919) % PORTS for step in range(PORTS)):
        if usable(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free")


class PodProcess:
    """Runs the app of a spec until it is stopped. Call `tick` several times a second."""

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
        self.created_at = time.time()

    def pod(self) -> Pod:
        """The pod in the terms of Kubernetes."""
        phase = "Running" if self.restarts >= 0 else "Pending"
        return Pod(
            name=self.name,
            phase=phase,
            ready=self.ready,
            restarts=max(0, self.restarts),
            digest=self.candidate.digest,
            state=self.state,
            last_state=self.last,
            started_at=self.created_at,
        )

    def tick(self) -> bool:
        """Start, probe or restart the app as needed. Returns whether something changed."""
        if self.child is None:
            if time.monotonic() < self.start_at:
                return False
            self._start()
            return True
        if self._ended():
            self._record_end()
            return True
        self._measure_peak()
        return self._apply_probes()

    def _apply_probes(self) -> bool:
        if self.probes is None or self.child is None:
            return False
        if self.probes.failure and not self.fault:
            self.fault = self.probes.failure
            os.killpg(self.child.pid, signal.SIGKILL)
        was, self.ready = self.ready, self.probes.ready and not self.fault
        return was != self.ready

    def _start(self) -> None:
        """Start the app. Where Slipway itself fails to start it, the pod waits with Kubernetes' reason
        CreateContainerError.
        """
        self.restarts += 1
        self.fault = ""
        if self.state.kind == "terminated":
            self.last = self.state
        try:
            self.port = free_port(self.port, self.label)
            # each start has a group of its own, so that counts begin at zero
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

        # a minimal environment, so that the app gets no secret of the process that deployed it
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
        """Whether the app has ended. If so, everything that it started is ended as well, and it is reaped."""
        if self.child is None or self.child.returncode is not None:
            return True
        if os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        # until it is reaped, no other process or group can have its number
        if self.limits:
            self.limits.detach()
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        return True

    def _record_end(self) -> None:
        """Put down how the app ended, and when it is started again."""
        code = self.child.returncode if self.child else 0
        self._measure_peak()
        # the kernel may also have killed a child only: how the app then ended is its own doing
        oom = code == -signal.SIGKILL and self.limits is not None and self.limits.oom_killed()
        if oom:
            self.peak = max(self.peak, self.spec.memory_limit_bytes)
        started, now = self.state.started_at or self.created_at, time.time()
        message = f"memory limit {self.spec.memory_limit_bytes // 2**20} MiB" if oom else self.fault
        self._forget()
        ended = ContainerState(
            kind="terminated",
            reason="OOMKilled" if oom else "Error" if code else "Completed",
            message=message or self._last_output_line(),
            exit_code=code if code >= 0 else 128 - code,
            started_at=started,
            finished_at=now,
        )
        if now - started > BACKOFF_RESET:
            self.backoff = BACKOFF
        if self.backoff > BACKOFF:
            self.last = ended
            self._wait("CrashLoopBackOff", f"restarts in {self.backoff:.0f} s after {ended.reason}")
        else:  # the first time, the state shows how it ended until it is restarted
            self._wait("", "")
            self.state = ended

    def _forget(self) -> None:
        if self.probes:
            self.probes.stop()
        if self.limits:
            self.limits.close()
        self.child = self.limits = self.probes = None
        self.ready = False

    def _last_output_line(self) -> str:
        """The last line of the app's output, as a kubelet reports with FallbackToLogsOnError."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read(4096).decode(errors="replace").split("\n")
            return next((line.strip()[:LAST_LINE_LIMIT] for line in reversed(lines) if line.strip()), "")
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
        """The usage since the previous sample; None for the first one after a start, and while nothing runs."""
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
        """Move app.log to app.log.1 above its limit. The app appends, so it goes on writing at the new end."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                shutil.copyfile(self.log, self.log.with_name("app.log.1"))
                os.truncate(self.log, 0)

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL if needed. Returns when the app has ended."""
        deadline = time.monotonic() + GRACE
        if self.child and not self._ended():
            os.killpg(self.child.pid, signal.SIGCONT)
            os.killpg(self.child.pid, signal.SIGTERM)
            while not self._ended():
                if time.monotonic() > deadline:
                    os.killpg(self.child.pid, signal.SIGKILL)
                time.sleep(0.02)
        self._forget()
