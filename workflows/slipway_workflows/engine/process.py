"""Runs one container as a process: its own directory, its own process group, its output in a file."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_workflows.engine.images import command_of, directory_of

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
RESULT_LIMIT = 256 * 1024
"""Bytes of stdout that are kept as `outputs.result`, as in Argo."""
DEADLINE = 143
"""Exit code of a container that ran into its deadline (128 + SIGTERM)."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


@dataclass
class Ended:
    """How a process ended: exit code, its output files by declared path, its stdout where it was kept."""

    code: int
    files: dict[str, str]
    result: str | None
    timed_out: bool = False


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def rewritten(text: str, moved: Mapping[str, Path]) -> str:
    """Declared paths become paths in the step's own directory: parallel steps do not collide, and nothing of this
    machine is written to. Only what the template declares is touched: a path in a parameter means what it says.
    """
    for declared, own in moved.items():
        text = re.sub(rf"(?<![\w/.-]){re.escape(declared)}(?![\w.-])", str(own).replace("\\", r"\\"), text)
    return text


def one_newline_less(text: str) -> str:
    """As Argo reads a file or stdout: without ONE newline at its end."""
    return text[:-1] if text.endswith("\n") else text


class Process:
    """One step. `stop` may be called from another thread, or a signal handler."""

    def __init__(self, own: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.own, self.log, self.environment = own, log, environment
        self.child: subprocess.Popen[bytes] | None = None
        self.stopped = threading.Event()

    def run(self, container: Mapping[str, Any], outputs: Sequence[str], deadline: float | None, keep: bool) -> Ended:
        """Run to the end. outputs: declared paths to read; keep: stdout is wanted as result. Raises OSError."""
        self.own.mkdir(parents=True, exist_ok=True)
        directories = {str(Path(path).parent): path for path in outputs}
        moved = {d: self.own / "files" / d.lstrip("/") for d in directories if d not in ("/", "/tmp")}  # noqa: S108
        for path in outputs:
            if str(Path(path).parent) not in moved:
                moved[path] = self.own / "files" / path.lstrip("/")
        # the directory above is there, as /tmp is in a container; what lies below the step has to make itself
        for own in moved.values():
            own.parent.mkdir(parents=True, exist_ok=True)
        try:
            command = [rewritten(word, moved) for word in self._command(container)]
            environment = self._environment(container, moved)
            code, timed_out = self._wait(command, environment, directory_of(container, self.own), deadline, keep)
            files = {}
            for path in outputs:
                real = Path(rewritten(path, moved))
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    files[path] = one_newline_less(real.read_text())
            return Ended(code, files, self._result() if keep else None, timed_out)
        finally:
            shutil.rmtree(self.own, ignore_errors=True)

    def _command(self, container: Mapping[str, Any]) -> list[str]:
        if "source" not in container:
            return command_of(container)
        script = self.own / "script"
        script.write_text(str(container["source"]))
        return [*command_of(container), str(script)]

    def _environment(self, container: Mapping[str, Any], moved: Mapping[str, Path]) -> dict[str, str]:
        temporary = self.own / "tmp"
        temporary.mkdir(exist_ok=True)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/bin:/bin")])
        base = {
            "PATH": path,
            "HOME": str(self.own),
            "LANG": "C.UTF-8",
            "TMPDIR": str(temporary),
            "PYTHONUNBUFFERED": "1",
        }
        own = {e["name"]: rewritten(str(e.get("value", "")), moved) for e in container.get("env") or []}
        return base | dict(self.environment) | own

    def _wait(
        self, command: list[str], environment: dict[str, str], directory: Path, deadline: float | None, keep: bool
    ) -> tuple[int, bool]:
        with self.log.open("ab") as log, contextlib.ExitStack() as stack:
            out = stack.enter_context((self.own / "stdout").open("wb")) if keep else log
            try:
                self.child = subprocess.Popen(
                    command,
                    cwd=directory,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 - the only way; it calls nothing but prctl
                )
            except OSError as error:
                log.write(f"{command[0]}: {error.strerror}\n".encode())
                return 127 if isinstance(error, FileNotFoundError) else 126, False
            if self.stopped.is_set():
                self._signal(signal.SIGTERM)
            timed_out = False
            try:
                self.child.wait(deadline)
            except subprocess.TimeoutExpired:
                timed_out = True
                self._signal(signal.SIGTERM)
                self._kill_after_grace()
                self.child.wait()
            self._signal(signal.SIGKILL)  # what it left running in its group
        if keep:
            with self.log.open("ab") as log:
                log.write((self.own / "stdout").read_bytes())
        code = self.child.returncode
        return (DEADLINE if timed_out else code if code >= 0 else 128 - code), timed_out

    def _result(self) -> str:
        return one_newline_less((self.own / "stdout").read_bytes()[-RESULT_LIMIT:].decode(errors="replace"))

    def _signal(self, number: int) -> None:
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, number)

    def _kill_after_grace(self) -> None:
        timer = threading.Timer(GRACE, self._signal, [signal.SIGKILL])
        timer.daemon = True
        timer.start()

    def stop(self) -> None:
        """SIGTERM to the whole group, SIGKILL after the grace period."""
        self.stopped.set()
        if self.child is not None and self.child.poll() is None:
            self._signal(signal.SIGTERM)
            self._kill_after_grace()
