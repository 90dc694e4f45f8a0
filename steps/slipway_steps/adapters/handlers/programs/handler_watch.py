"""What the handler's process does beside its answers: network connections, reads of model files, memory."""

import ctypes
import errno
import os
import struct
import sys

IN_OPEN, IN_NONBLOCK, IN_CLOEXEC, IN_ISDIR = 0x20, 0o4000, 0o2000000, 0x40000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LOOPBACK = ("127.", "::1", "localhost")
PROGRAMS = ("curl", "wget", "pip", "pip3", "aws", "gsutil", "git")
"""Programs that download; only their start can be seen from here."""

connections = []
"""The addresses that the handler tried to reach since they were last taken, as text."""


def _local(host):
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    return not text or text.startswith(LOOPBACK) or text == "0.0.0.0"  # noqa: S104 - compared, not bound


def _refuse(address):
    connections.append(address)
    raise OSError(errno.ENETUNREACH, "Network is unreachable", address)


def _audit(event, arguments):
    if event == "socket.connect" or event == "socket.sendto":
        address = arguments[1]
        if isinstance(address, tuple) and address and not _local(address[0]):
            _refuse("%s:%s" % address[:2])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if not _local(arguments[0]):
            host = arguments[0].decode("ascii", "replace") if isinstance(arguments[0], bytes) else str(arguments[0])
            port = arguments[1] if event == "socket.getaddrinfo" and len(arguments) > 1 else None
            _refuse(host if port is None else "%s:%s" % (host, port))
    elif event == "subprocess.Popen":
        command = arguments[1] if isinstance(arguments[1], (list, tuple)) else str(arguments[1]).split()
        name = os.path.basename(os.fsdecode(command[0])) if command else ""
        if name in PROGRAMS:
            connections.append("program " + name)


def without_network():
    """Take the network away where the kernel allows it, and name every address that Python code asks for."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if user == 0:
        libc.unshare(CLONE_NEWNET)
    elif libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        # the process keeps its own user and group in the new namespace
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            try:
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
            except OSError:
                pass
    sys.addaudithook(_audit)


class OpenedFiles:
    """Which files of a directory are opened, by Python or by native code (inotify). `code/` and the samples are left
    out. Without inotify nothing is seen, and `works` is false.
    """

    def __init__(self, directory):
        self.names, self.works, libc = {}, False, ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self.descriptor < 0:
            return
        for at, folders, _ in os.walk(directory):
            if at == directory:
                folders[:] = [name for name in folders if name not in ("code", "payloads")]
            watch = libc.inotify_add_watch(self.descriptor, os.fsencode(at), IN_OPEN)
            if watch >= 0:
                self.names[watch] = os.path.relpath(at, directory)
        self.works = bool(self.names)

    def take(self):
        """The paths that were opened since this was last called, relative to the directory and sorted."""
        found = set()
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
                    found.add(os.path.normpath(os.path.join(self.names.get(watch, "."), os.fsdecode(name))))
        return sorted(found)


def _status(key):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


def reset_peak():
    """Begin a new measurement of the peak of resident memory."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak():
    """The largest resident memory in bytes since `reset_peak`."""
    return _status("VmHWM:")


def resident():
    """Resident memory in bytes."""
    return _status("VmRSS:")


def threads():
    """The number of threads of this process."""
    return len(os.listdir("/proc/self/task"))
