"""Gives a step a mount namespace: a view of the file system in which its container paths are its own.

In this view `/tmp`, the volume mounts and the directories of declared inputs and outputs are directories of the step;
everything else is the machine's. The step's directory becomes `/`, and the machine's directories are mounted into it.
So a step may write `/output`, and nothing is created on the machine itself. The view ends with the process. It needs no
root: where the kernel demands it, a user namespace with the same user is made.

It is not a security boundary: outside of its own paths a step can still read and write whatever its user can.
"""

import ctypes
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
"""Constants of linux/sched.h and linux/mount.h."""
SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/sbin", "/sys", "/usr", "/var")
"""Directories that programs need as they are, so that they cannot become a step's own. A step that declares a path
directly in one of them gets no namespace; its paths are rewritten instead (see `paths`)."""
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
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - between fork and exec as little as possible is imported
            file.write(text)


def fits(paths: Iterable[str]) -> bool:
    """Whether a namespace can make all these container directories a step's own."""
    return not any(path in SYSTEM or path.startswith(("/proc/", "/sys/", "/dev/")) for path in paths)


class View:
    """The view of the file system that one step gets.

    `root`: the step's directory, which becomes `/`. `own`: container directories that are the step's own and lie in it.
    `visible`: directories of the machine that the step needs even where they lie inside one of `own`.
    """

    def __init__(self, root: Path, own: Sequence[str], visible: Iterable[Path]) -> None:
        self.root = str(root)
        self.own = [tuple(path.strip("/").split("/")) for path in own]
        self.visible = [place for place in map(str, visible) if any(place.startswith(f"{path}/") for path in own)]

    def enter(self, directory: str) -> None:
        """Change to this view. Called in the process of the step, before its program starts.

        `directory`: the container path that becomes the working directory. Raises OSError where the kernel refuses.
        """
        _unshare()
        # without this, what is mounted below would be mounted for the whole machine
        _mount("none", "/", None, MS_REC | MS_PRIVATE)
        self._expose("/", self.root, self.own)
        for place in self.visible:
            os.makedirs(self.root + place, exist_ok=True)  # noqa: PTH103
            _mount(place, self.root + place, None, MS_BIND | MS_REC)
        os.chroot(self.root)
        os.chdir(directory)

    def _expose(self, real: str, target: str, own: list[tuple[str, ...]]) -> None:
        """Make what lies in the machine's directory `real` visible in `target`, but for the step's own directories.

        `own`: those of them that lie in `real`, at any depth, each as the names of its path from `real` on.
        """
        for name in os.listdir(real):  # noqa: PTH208 - between fork and exec as little as possible is created
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
    """Whether this kernel lets this user make such a view: a child process tries it, with `scratch` as the root."""
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
