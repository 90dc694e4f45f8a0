"""The fork server: starts Python steps by forking. It is a program of its own, of the standard library only; an engine
starts one of it.

    python -P fork_server.py MODULE DESCRIPTOR

It imports MODULE, whose imports are slow, and then forks a process for each step. So a step begins with all of these
imports done. DESCRIPTOR is the server's end of a socket to the engine that carries whole messages (SOCK_SEQPACKET).
STEP is the number that the engine gave a step. The messages, by who sends them:

- engine, `+STEP`: fork a step. With it come four open files: the request as JSON, standard output, standard error and
  the guardian's pipe.
- the process of the step, `+STEP PID`: it is about to begin its program. If this message cannot be sent, the process
  ends without beginning it.
- server, `=STEP CODE`: the process has ended; a negative code is the signal that ended it.
- engine, `-STEP`: the process may be reaped. Until then the id of its process group cannot be given to another one.

When the socket is closed, the engine is gone: the server kills all steps that still run, and ends.
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
"""The number of open files that come with a request."""


class Server:
    """Forks steps, and reports how they end. `channel`: the socket to the engine."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.selector = selectors.DefaultSelector()
        self.selector.register(channel, selectors.EVENT_READ)
        self.pids: dict[int, int] = {}
        """Process ids of the steps that have not been reaped, by the engine's number of the step."""

    def serve(self) -> dict[str, list[str]] | None:
        """Serve until the engine is gone. Like fork itself, it returns in several processes.

        Returns None in the server, when the engine is gone; in the process of a step its request, when the process has
        the step's environment, directory and output.
        """
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is not self.channel:
                    self._report_end(key.data)
                    self.selector.unregister(key.fileobj)
                    os.close(key.fd)
                    continue
                message, files, _, _ = socket.recv_fds(self.channel, 64, FILES)
                if not message:
                    self._kill_all()
                    return None
                step = int(message[1:])
                if message[:1] == b"-":
                    os.waitpid(self.pids.pop(step), 0)
                    continue
                pid = os.fork()
                if pid == 0:
                    return self._become_step(step, files)
                for file in files:
                    os.close(file)
                self.pids[step] = pid
                self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, step)

    def _report_end(self, step: int) -> None:
        found = os.waitid(os.P_PID, self.pids[step], os.WEXITED | os.WNOWAIT)
        assert found is not None  # noqa: S101 - its pidfd became readable, so it has ended
        code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        with contextlib.suppress(OSError):
            self.channel.send(b"=%d %d" % (step, code))

    def _kill_all(self) -> None:
        for pid in self.pids.values():
            for kill in (os.killpg, os.kill):  # a process that was forked just now may have no group of its own yet
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)
        for pid in self.pids.values():
            os.waitpid(pid, 0)

    def _become_step(self, step: int, files: list[int]) -> dict[str, list[str]]:
        """Make this forked process like a newly started one; returns the request of its step.

        The guardian and the engine are told of the process before anything else, so that both can end it.
        """
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
    """Do in this process what `python -m MODULE ARGUMENTS...` does; `argv` begins with MODULE."""
    module, *arguments = argv
    # both were read from the server's environment, and have to be read again from the step's
    tempfile.tempdir = None
    time.tzset()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(write_through=bool(os.environ.get("PYTHONUNBUFFERED")))
    with contextlib.suppress(OSError):
        # the name of the command that `ps` and `top` show
        Path("/proc/self/comm").write_text(arguments[0] if arguments else module)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> list[str] | None:
    """Serve until the engine is gone, and return None. In the process of a step, return the argv that it has to run."""
    os.close(os.pidfd_open(os.getpid()))  # raises OSError, which ends the server, where the kernel has no pidfds
    gc.disable()  # imports leave nothing to collect, and its rounds would take a third of the time
    importlib.import_module(sys.argv[1])
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - a count, no paths
        sys.exit("an import has started a thread; a lock that it holds would stay locked for ever in a forked process")
    gc.freeze()  # a garbage collection in a forked process would otherwise write to, and so copy, every page of memory
    gc.enable()
    request = Server(socket.socket(fileno=int(sys.argv[2]))).serve()
    return request["argv"] if request else None


if __name__ == "__main__":
    wanted = main()
    if wanted is not None:
        run(wanted)
