"""The model.tar.gz of a packaged model: what a model server unpacks, beside each other the model and its `code/`.

The same package gives the same bytes, so that a digest says which package was tested.
"""

import gzip
import tarfile
from pathlib import Path

from slipway_steps.domain.package import HOLDOUT, SAMPLES

NAME = "model.tar.gz"
LEFT_OUT = {HOLDOUT, SAMPLES, "metrics.json", "params.json", "history.json"}
"""What only the release reads."""
LEVEL = 1
"""Weights hardly get smaller, whatever time is spent on them."""


def write_archive(package: Path, directory: Path) -> Path:
    """Write model.tar.gz of a package into a directory, and return its path."""
    target = directory / NAME
    # neither the name of the file nor the time is part of the bytes
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=LEVEL) as packed,
        tarfile.open(mode="w", fileobj=packed) as archive,
    ):
        for path in sorted(package.rglob("*")):
            relative = path.relative_to(package)
            if relative.parts[0] not in LEFT_OUT and "__pycache__" not in relative.parts:
                _add(archive, path, relative.as_posix())
    return target


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)  # user, group and time are 0
    if path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)
    else:
        info.size, info.mode = path.stat().st_size, 0o644
        with path.open("rb") as content:
            archive.addfile(info, content)
