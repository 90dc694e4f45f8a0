"""Gives a step's process a view of the file system in which its container paths are its own: a mount namespace.

`/tmp`, mounts and the directories of declared inputs and outputs lead into the step's directory; everything else is the
machine's. It needs no root: a user namespace of the same user is made where the kernel demands one. The step's
directory becomes `/`, with the machine's directories mounted into it, so that a step may write `/output` and nothing is
created on the machine itself. It all vanishes with the process.

Not a security boundary: a step can still read and write what its user can, outside those paths.
"""

import ctypes
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
"""linux/sched.h and linux/mount.h."""
SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/sbin", "/sys", "/usr", "/var")
"""Directories that programs need as they are: a step that declares a path right in one of them has its paths rewritten
instead."""
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    kind_bytes = kind.encode() if kind else None
    result = _libc.mount(source.encode(), target.encode(), kind_bytes, ctypes.c_ulong(flags), None)
    _checked(result, f"mounting {source} at {target}")


def _unshare() -> None:
    if _libc.unshare(CLONE_NEWNS) == 0:
        return
    user, group = os.getuid(), os.getgid()
    _checked(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "a mount namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - between fork and exec, the less is imported the better
            file.write(text)


def fits(paths: Iterable[str]) -> bool:
    """Whether these container directories can be a step's own in a namespace."""
    return not any(path in SYSTEM or path.startswith(("/proc/", "/sys/", "/dev/")) for path in paths)


class View:
    """The file system of one step.

    `root`: its directory, which becomes `/`; `own`: container directories that lie in it; `kept`: real paths that stay
    visible even inside those.
    """

    def __init__(self, root: Path, own: Sequence[str], kept: Iterable[Path]) -> None:
        self.root = str(root)
        self.own = [tuple(path.strip("/").split("/")) for path in own]
        self.kept = [place for place in map(str, kept) if any(place.startswith(f"{path}/") for path in own)]

    def enter(self, directory: str) -> None:
        """Called in the step's process before its program starts; `directory` becomes the current one.

        Raises OSError where the kernel refuses.
        """
        _unshare()
        # from here on nothing that is mounted reaches the machine's own view
        _mount("none", "/", None, MS_REC | MS_PRIVATE)
        self._expose("/", self.root, self.own)
        for place in self.kept:
            os.makedirs(self.root + place, exist_ok=True)  # noqa: PTH103
            _mount(place, self.root + place, None, MS_BIND | MS_REC)
        os.chroot(self.root)
        os.chdir(directory)

    def _expose(self, real: str, target: str, own: list[tuple[str, ...]]) -> None:
        """Show in the directory `target` what is in `real`, but for own directories, which may lie deeper."""
        for name in os.listdir(real):  # noqa: PTH208 - between fork and exec, the less is made the better
            source, place = os.path.join(real, name), os.path.join(target, name)  # noqa: PTH118
            if (name,) in own:
                continue
            inner = [parts[1:] for parts in own if parts[0] == name]
            if os.path.islink(source):  # noqa: PTH114
                if not os.path.lexists(place):
                    os.symlink(os.readlink(source), place)  # noqa: PTH115, PTH211
            elif os.path.isdir(source):  # noqa: PTH112
                os.makedirs(place, exist_ok=True)  # noqa: PTH103
                if inner:
                    self._expose(source, place, inner)
                else:
                    _mount(source, place, None, MS_BIND | MS_REC)
            elif real != "/":
                os.close(os.open(place, os.O_CREAT))
                _mount(source, place, None, MS_BIND)


def available(scratch: Path) -> bool:
    """Whether this kernel lets this user make such a view; tried once in a child process."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            View(scratch, ["/tmp"], []).enter("/")  # noqa: S108 - inside the step's directory
            code = 0
        except OSError:
            pass
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0
