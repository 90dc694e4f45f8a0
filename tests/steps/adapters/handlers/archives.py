"""Archives as an attacker, a broken disk or a hasty person would make them."""

import gzip
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from slipway_steps.adapters.handlers.archive import unpack
from slipway_steps.domain.errors import BadInput

FILES = {"code/inference.py": b"def model_fn(model_dir): return 3\n", "model.bin": bytes(range(256)) * 40}


def member(name: str, content: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def plain() -> bytes:
    return tar(member(name, content) for name, content in FILES.items())


def write(path: Path, tarred: bytes) -> Path:
    path.write_bytes(gzip.compress(tarred))
    return path


def zeros(path: Path, mebibytes: int) -> Path:
    """An archive with one file of that many zeros, written without holding them in memory."""
    info = tarfile.TarInfo("zeros")
    info.size = mebibytes * 2**20
    with gzip.open(path, "wb") as packed:
        packed.write(info.tobuf())
        for _ in range(mebibytes):
            packed.write(bytes(2**20))
        packed.write(bytes(1024))
    return path


def huge_header(path: Path, kind: bytes, mebibytes: int) -> Path:
    """An archive whose first header says that it goes on for that many MiB, and does so."""
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, mebibytes * 2**20
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(info.tobuf())
        for _ in range(mebibytes):
            packed.write(b"1 x=\n" * (2**20 // 5) + b"x")
        packed.write(plain())
    return path


def refused(source: Path, tmp_path: Path) -> str:
    """The one line with which it is refused; nothing is left behind."""
    around = sorted(tmp_path.parent.iterdir())
    with pytest.raises(BadInput) as caught:
        unpack(source, tmp_path / "store")
    assert not (tmp_path / "store").exists() or list((tmp_path / "store").iterdir()) == []
    assert sorted(tmp_path.parent.iterdir()) == around
    assert "\n" not in str(caught.value)
    return str(caught.value)
