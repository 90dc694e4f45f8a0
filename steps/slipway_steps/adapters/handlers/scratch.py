"""A temporary directory that is gone afterwards, with the processes that work in it, even where we are killed."""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_steps.domain.errors import Broken

GUARDIAN = Path(__file__).parent / "programs" / "scratch_guardian.py"


class Scratch:
    """A temporary directory (`path`) and the process groups that work in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._groups: set[int] = set()
        self._controls: set[Path] = set()
        self._guardian = self._start()

    def watch(self, process_group_id: int) -> None:
        """Have this process group killed before the directory is removed."""
        self._groups.add(process_group_id)
        self._report(f"+{process_group_id}")

    def watch_control(self, path: Path) -> None:
        """Have this control group removed with the directory, where it is still there."""
        self._controls.add(path)
        self._report(str(path))

    def forget(self, process_group_id: int) -> None:
        """Say that this process group has ended: its number may soon be that of somebody else's processes."""
        self._groups.discard(process_group_id)
        self._report(f"-{process_group_id}")

    def remove(self) -> None:
        """Kill the groups that are watched and remove the directory. Raises Broken where it is still there."""
        self._end(self._guardian)
        if os.path.lexists(self.path):  # somebody has killed the guardian
            self._guardian = self._start()
            for line in (*(f"+{group}" for group in self._groups), *map(str, self._controls)):
                self._report(line)
            self._end(self._guardian)
        if os.path.lexists(self.path):
            raise Broken(f"the temporary directory {self.path} could not be removed", "remove it by hand")

    def _start(self) -> "subprocess.Popen[bytes]":
        # a session of its own: a signal for the terminal's or the owner's group must not reach it
        command = [sys.executable, "-I", "-S", str(GUARDIAN), str(self.path), str(os.getpid())]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            # a Python that is built shared may need it to start
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
            start_new_session=True,
        )

    def _report(self, line: str) -> None:
        assert self._guardian.stdin is not None  # noqa: S101 - it was started with a pipe
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.write(f"{line}\n".encode())

    @staticmethod
    def _end(guardian: "subprocess.Popen[bytes]") -> None:
        assert guardian.stdin is not None  # noqa: S101
        guardian.stdin.close()
        guardian.wait()


@contextmanager
def scratch(parent: Path) -> Iterator[Scratch]:
    """A temporary directory in `parent`, which only this user may read, for the time of a `with` block.

    Afterwards, and also where this process is killed by any signal, a small program kills the process groups that are
    watched and removes the directory. It is started before the directory is made, so that there is no moment at which a
    kill would leave one. Raises Broken where the directory cannot be made or removed.
    """
    path = parent.absolute() / f"scratch-{uuid.uuid4().hex[:12]}"
    try:
        temporary = Scratch(path)
    except OSError as error:
        fault = f"the guardian of a temporary directory cannot be started by {sys.executable}: {error.strerror}"
        raise Broken(fault, "look at how many processes and files this user may have") from error
    try:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        except OSError as error:
            raise Broken(f"no temporary directory can be made in {parent}: {error.strerror}") from error
        yield temporary
    finally:
        temporary.remove()
