"""The two layers of an image, as deterministic tar archives."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from slipway_steps.adapters.oci_blobs import Blobs, Descriptor
from slipway_steps.domain.package import CONTRACT, MODEL, read_package

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
OWNER = 10001
IGNORED = {"__pycache__", "Dockerfile", ".dockerignore", "README.md"}

Entry = tuple[str, Path | bytes]
"""Path inside the image, and the file it comes from or its content."""


def app_entries(directory: Path) -> Iterator[Entry]:
    """The app's own files under /app."""
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not IGNORED & set(relative.parts):
            yield f"app/{relative.as_posix()}", path


def model_entries(package: Path, version: str) -> Iterator[Entry]:
    """The model under /app/model, and versions.txt. Raises BadInput for a package that breaks its contract."""
    found = read_package(package)
    yield f"app/model/{CONTRACT}", found.directory / CONTRACT
    yield f"app/model/{MODEL}", found.model
    for sample in found.samples:
        yield f"app/model/samples/{sample.name}", sample
    yield "app/versions.txt", f"model-app=1.0.{version}\nmodel-version={version}\n".encode()


def _directories(names: Iterable[str]) -> list[str]:
    found = {parent.as_posix() for name in names for parent in Path(name).parents}
    return sorted(found - {"."})


def _header(name: str, size: int, mode: int, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type = size, mode, kind
    info.uid = info.gid = OWNER
    info.mtime = 0
    return info


def write_layer(blobs: Blobs, entries: Iterable[Entry]) -> Descriptor:
    """Write a layer; directories first, then files by name."""
    files = sorted(entries, key=lambda entry: entry[0])
    with (
        blobs.writing() as blob,
        tarfile.open(fileobj=cast(IO[bytes], blob), mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in _directories(name for name, _ in files):
            archive.addfile(_header(name, 0, 0o755, tarfile.DIRTYPE))
        for name, source in files:
            if isinstance(source, bytes):
                archive.addfile(_header(name, len(source), 0o644, tarfile.REGTYPE), io.BytesIO(source))
            else:
                with source.open("rb") as file:
                    archive.addfile(_header(name, source.stat().st_size, 0o644, tarfile.REGTYPE), file)
    return Descriptor(LAYER_TYPE, f"sha256:{blob.hash.hexdigest()}", blob.size)
