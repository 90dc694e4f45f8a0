"""The two layers of an image: writes them as deterministic tar archives, and unpacks them."""

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from slipway_steps.adapters.oci.blobs import Blobs, Descriptor
from slipway_steps.adapters.tar_members import write_member
from slipway_steps.domain.errors import BadInput, ImageError
from slipway_steps.domain.package import CONTRACT, MODEL, read_package

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
GZIP = "+gzip"
APP_LIMIT = 2 << 30
"""Bytes that the unpacked files under /app of one layer may have, so that a damaged or hostile layer cannot fill the
disk. The largest models have some hundred MiB."""
OWNER = 10001
IGNORED = {"__pycache__", "Dockerfile", "README.md"}
"""Names that are not part of the app. Hidden files are not part of it either, because an .env may contain a secret."""

Entry = tuple[str, Path | bytes]
"""A path inside the image, and its content or the file that has it."""


def app_entries(directory: Path) -> Iterator[Entry]:
    """The app's own files, for /app."""
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not any(part in IGNORED or part.startswith(".") for part in relative.parts):
            yield f"app/{relative.as_posix()}", path


def model_entries(package: Path, version: str) -> Iterator[Entry]:
    """The model for /app/model, and versions.txt. Raises BadInput for a package that breaks its contract."""
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
    """Write a layer: first the directories, then the files, sorted by name. The format is PAX, because a sample is
    named after its label, which may have any script and length. For a short ASCII name the bytes are those of USTAR.
    """
    files = sorted(entries, key=lambda entry: entry[0])
    with (
        blobs.writing() as blob,
        tarfile.open(fileobj=cast(IO[bytes], blob), mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive,
    ):
        for name in _directories(name for name, _ in files):
            archive.addfile(_header(name, 0, 0o755, tarfile.DIRTYPE))
        for name, source in files:
            if isinstance(source, bytes):
                archive.addfile(_header(name, len(source), 0o644, tarfile.REGTYPE), io.BytesIO(source))
                continue
            with _opened(source) as file:
                archive.addfile(_header(name, os.fstat(file.fileno()).st_size, 0o644, tarfile.REGTYPE), file)
    return Descriptor(LAYER_TYPE, blob.digest, blob.size)


def _opened(source: Path) -> IO[bytes]:
    """Open a file of the input. Raises BadInput where it cannot be read, because this is not a fault of the image
    store.
    """
    try:
        return source.open("rb")
    except OSError as error:
        raise BadInput(f"{source} cannot be put into the image: {error.strerror}", "make it readable") from error


def unpack_layer(blobs: Blobs, layer: Descriptor, target: Path) -> None:
    """Unpack a layer over `target`. Raises ImageError where it is damaged, unsafe, or compressed. Only uncompressed
    layers are built here, and a compressed one could unpack to any size.
    """
    if layer.media_type != LAYER_TYPE:
        raise ImageError(f"layer {layer.digest} is {layer.media_type}", f"only {LAYER_TYPE} can be unpacked here")
    try:
        with tarfile.open(blobs.verified(layer.digest), mode="r:") as archive:
            for member in archive:
                write_member(archive, member, target)
    except tarfile.TarError as error:
        raise ImageError(f"layer {layer.digest} is damaged or unsafe: {error}", "build the image again") from error


def unpack_app(blobs: Blobs, layer: Descriptor, target: Path) -> None:
    """Unpack only the files of a layer that are under /app over `target`. The base image of a registry also contains an
    operating system and a Python, but one machine runs the app with its own Python. The layer may be compressed by
    gzip.

    Raises ImageError where the layer is damaged, unsafe, too large, of another type, or removes files of the app.
    """
    if layer.media_type.removesuffix(GZIP) != LAYER_TYPE:
        hint = f"only {LAYER_TYPE}, as it is or with {GZIP}, can be unpacked here"
        raise ImageError(f"layer {layer.digest} is {layer.media_type}", hint)
    size = 0
    try:
        with tarfile.open(blobs.verified(layer.digest), mode="r:*") as archive:
            for member in archive:
                path = PurePosixPath("/", member.name)
                if path.parts[1:2] != ("app",):
                    continue
                size += member.size
                if path.name.startswith(".wh.") or size > APP_LIMIT:
                    reason = f"more than {APP_LIMIT} bytes" if size > APP_LIMIT else f"{path}, which removes a file"
                    raise ImageError(
                        f"layer {layer.digest} has {reason} under /app", "build the app's base image again"
                    )
                write_member(archive, member, target)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ImageError(f"layer {layer.digest} is damaged or unsafe: {error}", "build the image again") from error
