"""Which programs of this machine stand for a container image. No image is pulled, so each image has to be known.

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
"""The images of this project. Their `python` is the interpreter that runs the engine, with the project installed."""
OUR_STEPS = ("-m", "slipway_steps.entry")
"""What follows `python` in the command of a step of this project."""
OUR_PRELOAD = "slipway_steps.preload"
"""The module that imports what those steps need."""
ARGOSAY = "argoproj/argosay"
STAND_INS = Path(__file__).with_name("programs")
"""The directory of small programs that do what those of Argo's example images do."""
KNOWN: Mapping[str, tuple[str, ...]] = {
    "python": ("python3",),
    "alpine": ("sh",),
    "busybox": ("sh",),
    "debian": ("bash",),
    "bash": ("bash",),
    ARGOSAY: ("argosay",),
}
"""Images whose programs (a shell, coreutils, Python) every Debian host has, each with its entrypoint."""


IMAGES_HINT = "map each image to a path and a command, both lists"


class Mapped(BaseModel):
    """The programs that stand for one of the user's images: an entry of images.yaml."""

    model_config = ConfigDict(extra="forbid")

    path: list[Path] = []
    """The directories of its programs, searched before the machine's PATH."""
    command: list[str] = []
    """Its entrypoint, for containers that name no command."""


def repository(image: str) -> str:
    """An image reference without default registry, tag and digest: `busybox` for `docker.io/library/busybox:1.37`."""
    found = parse_image_reference(image)
    name = found.name if found else image
    return re.sub(r"^(?:docker\.io/|quay\.io/)?(?:library/)?", "", name)


class Images:
    """The images that can be run. Those of the user, `mapped`, come before the known ones of the same name.

    `file`: the file in which the user maps images, for advice in messages.
    """

    def __init__(self, mapped: Mapping[str, Mapped] | None = None, file: Path | None = None) -> None:
        self._mapped = {repository(image): entry for image, entry in (mapped or {}).items()}
        self.advice = f"map it in {file or 'images.yaml'}"

    def is_ours(self, image: str) -> bool:
        """Whether it is an image of this project."""
        return repository(image) not in self._mapped and bool(OURS.fullmatch(repository(image)))

    def preload(self, image: str, argv: Sequence[str]) -> str:
        """The module that imports what the steps of this project need, for a step of it; empty for other programs."""
        ours = self.is_ours(image) and argv[0] == sys.executable and tuple(argv[1:3]) == OUR_STEPS
        return OUR_PRELOAD if ours else ""

    def is_known(self, image: str) -> bool:
        """Whether the engine can run this image's programs."""
        return self.is_ours(image) or repository(image) in {*KNOWN, *self._mapped}

    def command(self, image: str) -> list[str]:
        """The image's entrypoint, for a container that names no command; empty where it is not known."""
        entry = self._mapped.get(repository(image))
        return list(entry.command) if entry else list(KNOWN.get(repository(image), ()))

    def path(self, image: str) -> list[str]:
        """The directories that are searched for the image's programs before those of the machine's PATH."""
        entry = self._mapped.get(repository(image))
        if entry:
            return [str(place) for place in entry.path]
        return [str(STAND_INS)] if repository(image) == ARGOSAY else []

    def program(self, image: str, command: Sequence[str], path: str) -> list[str] | None:
        """The command as an argv of this machine; None where its program is not found. `path`: as in PATH."""
        argv = list(command)
        python = Path(argv[0]).name in ("python", "python3") and not Path(argv[0]).exists()
        if python and repository(image) not in self._mapped:
            return [sys.executable, *argv[1:]]
        found = shutil.which(argv[0], path=path) or shutil.which(Path(argv[0]).name, path=path)
        return [found, *argv[1:]] if found else None


def read_images(file: Path) -> Images:
    """The images that can be run, with those that the user maps in `file`, which need not exist.

    Raises BadInput where it cannot be read, or is not a map of images; the message says what is wrong.
    """
    try:
        loaded = yaml.safe_load(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return Images(file=file)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:  # YAML may hold a date that does not exist
        raise BadInput(f"cannot read the images of {file}: {error}", IMAGES_HINT) from error
    if not isinstance(loaded or {}, dict):
        raise BadInput(f"{file} is not a map", IMAGES_HINT)
    try:
        return Images({str(image): Mapped.model_validate(entry) for image, entry in (loaded or {}).items()}, file)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BadInput(f"{file}: {where}: {fault['msg']}", IMAGES_HINT) from error
