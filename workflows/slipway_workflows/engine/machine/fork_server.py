"""Starts Python steps by forking: a program of its own, standard library only, one for each engine.

    python -P fork_server.py MODULE DESCRIPTOR

It imports MODULE, whose imports are slow, and then forks a process for each step, which begins with all of that
imported. DESCRIPTOR is its end of a socket of whole messages (SOCK_SEQPACKET) to the engine; STEP is the engine's
number of a step:

- engine: `+STEP`, with open files: the request as JSON, standard output, standard error, the guardian's pipe
- the step's process: `+STEP PID`, before its program begins; where nobody can be told, the program never begins
- server: `=STEP CODE` when the process has ended; a negative code is the signal that ended it
- engine: `-STEP`: the process may be reaped now. Until then its process group's number cannot be used anew.

When the socket ends, the engine is gone: the server kills what still runs, and ends.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

FILES = 4
"""Open files that come with a request."""


class Server:
    """The steps that this process has forked, by number."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.selector = selectors.DefaultSelector()
        self.selector.register(channel, selectors.EVENT_READ)
        self.pids: dict[int, int] = {}

    def serve(self) -> dict[str, list[str]] | None:
        """In the server None, once the engine is gone; in a step's process its request, once that is prepared."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is not self.channel:
                    self._tell_end(key.data)
                    self.selector.unregister(key.fileobj)
                    os.close(key.fd)
                    continue
                message, files, _, _ = socket.recv_fds(self.channel, 64, FILES)
                if not message:
                    self._end_all()
                    return None
                step = int(message[1:])
                if message[:1] == b"-":
                    os.waitpid(self.pids.pop(step), 0)
                    continue
                pid = os.fork()
                if pid == 0:
                    return self._become(step, files)
                for file in files:
                    os.close(file)
                self.pids[step] = pid
                self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, step)

    def _tell_end(self, step: int) -> None:
        found = os.waitid(os.P_PID, self.pids[step], os.WEXITED | os.WNOWAIT)
        assert found is not None  # noqa: S101 - its pidfd has said that it ended
        code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        with contextlib.suppress(OSError):
            self.channel.send(b"=%d %d" % (step, code))

    def _end_all(self) -> None:
        for pid in self.pids.values():
            for kill in (os.killpg, os.kill):  # one that was forked just now may have no group yet
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)
        for pid in self.pids.values():
            os.waitpid(pid, 0)

    def _become(self, step: int, files: list[int]) -> dict[str, list[str]]:
        """Make this process what a new one would be; the engine and its guardian know of it first."""
        request, output, errors, guardian = files
        os.setsid()
        os.write(guardian, b"+%d %d\n" % (step, os.getpid()))
        self.channel.send(b"+%d %d" % (step, os.getpid()))
        for pidfd in [key.fd for key in self.selector.get_map().values() if key.fileobj is not self.channel]:
            os.close(pidfd)
        self.selector.close()
        self.channel.close()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        with os.fdopen(request) as file:
            wanted = json.load(file)
        for number in (output, errors, guardian):
            os.close(number)
        os.chdir(wanted["directory"])
        os.environ.clear()
        os.environ.update(wanted["environment"])
        return dict(wanted)


def run(argv: list[str]) -> None:
    """Be `python -m MODULE ARGUMENTS`; argv begins at MODULE."""
    module, *arguments = argv
    # found anew in this step's environment
    tempfile.tempdir = None
    time.tzset()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(write_through=bool(os.environ.get("PYTHONUNBUFFERED")))
    with contextlib.suppress(OSError):
        # what `ps` and `top` show as the command's name
        Path("/proc/self/comm").write_text(arguments[0] if arguments else module)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> list[str] | None:
    """Serve until the engine is gone; in a step's process, return what it has to run."""
    os.close(os.pidfd_open(os.getpid()))  # where the kernel has none, nothing is forked
    importlib.import_module(sys.argv[1])
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - a count, no paths
        sys.exit("a thread has been started by an import; what it holds would be held for ever in a fork")
    gc.freeze()  # so that collecting garbage does not touch, and thereby copy, every page
    request = Server(socket.socket(fileno=int(sys.argv[2]))).serve()
    return request["argv"] if request else None


if __name__ == "__main__":
    wanted = main()
    if wanted is not None:
        run(wanted)
