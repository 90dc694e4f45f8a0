"""Which program of this machine stands for an image: no image is pulled, so each has to be known.

A user's own images are named in `images.yaml` of the home (`.slipway/images.yaml`):

    ghcr.io/acme/trainer:                # without tag and digest
      path: [/opt/trainer/bin]           # where its programs lie, searched before the machine's PATH
      command: [trainer]                 # its entrypoint, for containers that name no command
"""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.image_reference import parse_image_reference

OURS = re.compile(r"(?:.*/)?slipway/[\w.-]+")
"""Images of this project: their `python` is the interpreter that runs the engine, with the project installed."""
OUR_STEPS = ("-m", "slipway_steps.entry")
"""What follows `python` in the command of a step of this project."""
OUR_PRELOAD = "slipway_steps.preload"
"""The module that imports what those steps need."""
ARGOSAY = "argoproj/argosay"
STAND_INS = Path(__file__).with_name("programs")
"""Tiny programs that do what those of Argo's example images do."""
KNOWN: Mapping[str, tuple[str, ...]] = {
    "python": ("python3",),
    "alpine": ("sh",),
    "busybox": ("sh",),
    "debian": ("bash",),
    "bash": ("bash",),
    ARGOSAY: ("argosay",),
}
"""Images whose programs (a shell, coreutils, Python) every Debian host has, and the command each starts by itself."""


class Mapped(BaseModel):
    """What stands for a user's image."""

    model_config = ConfigDict(extra="forbid")

    path: list[Path] = []
    command: list[str] = []


def repository(image: str) -> str:
    """An image reference without registry default, tag and digest: `docker.io/library/busybox:1.37` is `busybox`."""
    found = parse_image_reference(image)
    name = found.name if found else image
    return re.sub(r"^(?:docker\.io/|quay\.io/)?(?:library/)?", "", name)


class Images:
    """The images that can be run, the user's first. `file`: where the user names them."""

    def __init__(self, mapped: Mapping[str, Mapped] | None = None, file: Path | None = None) -> None:
        self._mapped = {repository(image): entry for image, entry in (mapped or {}).items()}
        self.advice = f"map it in {file or 'images.yaml'}"

    def is_ours(self, image: str) -> bool:
        """Whether it is an image of this project."""
        return repository(image) not in self._mapped and bool(OURS.fullmatch(repository(image)))

    def preload(self, image: str, argv: Sequence[str]) -> str:
        """The module whose imports a step of this project can begin with; empty for any other program."""
        ours = self.is_ours(image) and argv[0] == sys.executable and tuple(argv[1:3]) == OUR_STEPS
        return OUR_PRELOAD if ours else ""

    def is_known(self, image: str) -> bool:
        """Whether the engine can run this image's programs."""
        return self.is_ours(image) or repository(image) in {*KNOWN, *self._mapped}

    def command(self, image: str) -> list[str]:
        """What a container of this image starts that names no command; empty where that is not known."""
        entry = self._mapped.get(repository(image))
        return list(entry.command) if entry else list(KNOWN.get(repository(image), ()))

    def path(self, image: str) -> list[str]:
        """Directories that are searched for programs before those of the machine."""
        entry = self._mapped.get(repository(image))
        if entry:
            return [str(place) for place in entry.path]
        return [str(STAND_INS)] if repository(image) == ARGOSAY else []

    def program(self, image: str, command: Sequence[str], path: str) -> list[str] | None:
        """The command on this machine; None where its program does not exist here. `path`: as in PATH."""
        argv = list(command)
        python = Path(argv[0]).name in ("python", "python3") and not Path(argv[0]).exists()
        if python and repository(image) not in self._mapped:
            return [sys.executable, *argv[1:]]
        found = shutil.which(argv[0], path=path) or shutil.which(Path(argv[0]).name, path=path)
        return [found, *argv[1:]] if found else None


def read_images(file: Path) -> Images:
    """The images a user has mapped in `file`; none where it does not exist. Raises BadInput, naming what is wrong."""
    try:
        loaded = yaml.safe_load(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return Images(file=file)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:  # a date or number may be none
        raise BadInput(f"cannot read the images of {file}: {error}", "it maps images to path and command") from error
    if not isinstance(loaded or {}, dict):
        raise BadInput(f"{file} is no map", "it maps images to path and command")
    try:
        return Images({str(image): Mapped.model_validate(entry) for image, entry in (loaded or {}).items()}, file)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BadInput(f"{file}: {where}: {fault['msg']}", "an image has a path and a command, both lists") from error
