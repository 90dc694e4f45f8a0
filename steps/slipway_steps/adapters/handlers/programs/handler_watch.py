"""What the handler's process does beside its answers: network connections, reads of model files, memory."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import Any, NoReturn

IN_OPEN, IN_NONBLOCK, IN_CLOEXEC, IN_ISDIR = 0x20, 0o4000, 0o2000000, 0x40000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
CAPABILITY_VERSION = 0x20080522
LOOPBACK = re.compile(r"127(\.\d+){1,3}|::1|localhost|0\.0\.0\.0|::|")
PROGRAMS = ("curl", "wget", "pip", "pip3", "aws", "gsutil", "git")
"""Programs that download; only their start can be seen from here."""

connections: list[str] = []
"""The addresses that the handler tried to reach since they were last taken, as text."""


def _local(host: object) -> bool:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    return bool(LOOPBACK.fullmatch(text)) or text == os.uname().nodename


def _refuse(address: str) -> NoReturn:
    connections.append(address)
    raise OSError(errno.ENETUNREACH, "Network is unreachable", address)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and address and not _local(address[0]):
            _refuse(f"{address[0]}:{address[1]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if not _local(arguments[0]):
            host = arguments[0].decode("ascii", "replace") if isinstance(arguments[0], bytes) else str(arguments[0])
            port = arguments[1] if event == "socket.getaddrinfo" and len(arguments) > 1 else None
            _refuse(host if port is None else f"{host}:{port}")
    elif event in ("subprocess.Popen", "os.system"):
        given = arguments[1] if event == "subprocess.Popen" else os.fsdecode(arguments[0])
        command = given if isinstance(given, (list, tuple)) else str(given).split()
        words = [word for part in command for word in re.split(r"[\s;|&()]+", os.fsdecode(part))]
        first = Path(words[0]).name if words else ""
        # a shell runs what it is given, and so does python -m
        named = [word for word in words if first.endswith("sh") or event == "os.system"]
        named += [word for before, word in zip(words, words[1:]) if before == "-m"]  # noqa: B905, RUF007 - Python 3.9
        found = [name for name in (Path(word).name for word in [first, *named]) if name in PROGRAMS]
        connections.extend("program " + name for name in dict.fromkeys(found))


def without_network() -> None:
    """Take the network away where the kernel allows it, and name every address that Python code asks for."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if user == 0:
        if libc.unshare(CLONE_NEWNET) == 0:
            _loopback_up()
    elif libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        # the process keeps its own user and group in the new namespace
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with contextlib.suppress(OSError):
                Path(f"/proc/self/{name}").write_text(text)
        _loopback_up()
        # the first process of a namespace may do all in it, such as write to read-only files; ours may not
        header = struct.pack("Ii", CAPABILITY_VERSION, 0)
        libc.capset(header, bytes(24))
    sys.addaudithook(_audit)


def _loopback_up() -> None:
    """A new network has a loopback device that is down."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def out_of_the_way(number: int) -> int:
    """Move a descriptor to a number that a handler which closes or opens files does not meet. Programs that the handler
    starts do not inherit it.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 500 if most > 600 else most // 2)
    os.close(number)
    return moved


class OpenedFiles:
    """Which files of a directory are opened, by Python or by native code (inotify). `code/` and the samples are left
    out. Without inotify nothing is seen, and `works` is false.
    """

    def __init__(self, directory: str) -> None:
        self.names: dict[int, str] = {}
        self.works, libc = False, ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self.descriptor < 0:
            return
        self.descriptor = out_of_the_way(self.descriptor)
        for at, folders, _ in os.walk(directory):
            if at == directory:
                folders[:] = [name for name in folders if name not in ("code", "payloads")]
            watch = libc.inotify_add_watch(self.descriptor, os.fsencode(at), IN_OPEN)
            if watch >= 0:
                self.names[watch] = os.path.relpath(at, directory)
        self.works = bool(self.names)

    def take(self) -> list[str]:
        """The paths that were opened since this was last called, relative to the directory and sorted."""
        found: set[str] = set()
        while self.works:
            try:
                data = os.read(self.descriptor, 65536)
            except BlockingIOError:
                break
            at = 0
            while at < len(data):
                watch, mask, _, length = struct.unpack_from("iIII", data, at)
                name = data[at + 16 : at + 16 + length].rstrip(b"\0")
                at += 16 + length
                if name and not mask & IN_ISDIR:
                    found.add(str(Path(self.names.get(watch, "."), os.fsdecode(name))))
        return sorted(found)


def _status(key: str) -> int:
    with Path("/proc/self/status").open() as file:
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


def reset_peak() -> None:
    """Begin a new measurement of the peak of resident memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """The largest resident memory in bytes since `reset_peak`."""
    return _status("VmHWM:")


def resident() -> int:
    """Resident memory in bytes."""
    return _status("VmRSS:")


def threads() -> int:
    """The number of threads of this process."""
    return len(list(Path("/proc/self/task").iterdir()))
