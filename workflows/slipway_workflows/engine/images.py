"""Which program of this machine stands for an image: no image is pulled, so each has to be known."""

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

OURS = re.compile(r"^(?:[\w.:-]+/)*slipway/[\w.-]+(?:[:@].*)?$")
"""Images of this project: their `python` is the interpreter that runs the engine, with the project installed."""
KNOWN = ("python", "alpine", "busybox", "debian", "bash", "argoproj/argosay")
"""Images whose programs (a shell, coreutils, Python) every Debian host has."""
ARGOSAY = str(Path(__file__).with_name("argosay.py"))


def repository(image: str) -> str:
    """An image reference without registry default, tag and digest: `docker.io/library/busybox:1.37` is `busybox`."""
    name = image.split("@", maxsplit=1)[0]
    head, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        name = head
    return re.sub(r"^(?:docker\.io/|quay\.io/)?(?:library/)?", "", name)


def is_known(image: str) -> bool:
    """Whether the engine can run this image's programs."""
    return bool(OURS.match(image)) or repository(image) in KNOWN


def needs_command(image: str) -> bool:
    """Whether a container of this image has to name its command: only argosay's entrypoint is known."""
    return repository(image) != "argoproj/argosay"


def program(image: str, command: Sequence[str], has_command: bool) -> list[str] | None:
    """The command on this machine; None where its program does not exist here.

    `has_command`: whether `command` begins with a command of its own, not with arguments of the image's.
    """
    argv = list(command)
    if not needs_command(image) and (not has_command or Path(argv[0]).name == "argosay"):
        return [sys.executable, "-I", "-S", ARGOSAY, *(argv[1:] if has_command else argv)]
    if Path(argv[0]).name in ("python", "python3") and not Path(argv[0]).exists():
        return [sys.executable, *argv[1:]]
    found = shutil.which(argv[0])
    return [found, *argv[1:]] if found else None
