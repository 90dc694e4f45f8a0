"""What runs an image on this machine: `slipway/*` is this installation, a few base images are the host's programs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST = {"alpine", "busybox", "debian", "bash"}
"""Images whose programs every host has: a POSIX shell and its tools."""


def _repository(image: str) -> str:
    return image.split("@", 1)[0].rsplit(":", 1)[0] if ":" in image.rsplit("/", 1)[-1] else image.split("@", 1)[0]


def _kind(image: str) -> str | None:
    name = _repository(image)
    if name.startswith("slipway/"):
        return "slipway"
    return "python" if name == "python" else "host" if name in HOST else None


def check_image(container: Mapping[str, Any]) -> str:
    """Why a container cannot run here; "" where it can."""
    image = str(container.get("image", ""))
    if _kind(image) is None:
        return (
            f"image {image!r} is mapped to nothing on this machine (slipway/*, python, {', '.join(sorted(HOST))} are)"
        )
    if not container.get("command"):
        return f"image {image!r} is used with its own entry point, which is not known here: name a command"
    return ""


def command_of(container: Mapping[str, Any]) -> list[str]:
    """The argv of a container; `python` is this interpreter."""
    command = [*map(str, container["command"]), *map(str, container.get("args") or [])]
    if _kind(str(container["image"])) in ("slipway", "python") and command[0] in ("python", "python3"):
        command[0] = sys.executable
    return command


def directory_of(container: Mapping[str, Any], own: Path) -> Path:
    """Where it runs: our own steps where the person stands, so that relative paths mean what they typed; any other
    image in the step's own directory.
    """
    return Path.cwd() if _kind(str(container["image"])) == "slipway" else own
