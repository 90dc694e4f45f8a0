"""What no package may hold is refused before it is written, and costs neither memory nor disk nor time."""

import resource
import shutil
import subprocess
import tarfile
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.adapters.handlers.archives import huge_header, member, plain, refused, tar, write, zeros

from slipway_steps.adapters.handlers import archive_file, package_files
from slipway_steps.adapters.handlers.archive import unpack
from slipway_steps.domain.errors import BadInput

OUTSIDE = f"escaped-{uuid.uuid4()}"
LINK = {"type": tarfile.SYMTYPE, "linkname": "model.bin"}
HOSTILE = {
    "absolute": ([member(f"/tmp/{OUTSIDE}")], "the absolute name"),
    "up": ([member(f"../{OUTSIDE}")], "which may lead out of it"),
    "directory above": ([member("..", b"", type=tarfile.DIRTYPE)], "which may lead out of it"),
    "symbolic link": ([member("model.bin"), member("link", b"", **LINK)], "a symbolic link to 'model.bin'"),
    "hard link": ([member("a"), member("b", b"", type=tarfile.LNKTYPE, linkname="a")], "a hard link to 'a'"),
    "pipe": ([member("pipe", b"", type=tarfile.FIFOTYPE)], "a device, a pipe"),
    "device": ([member("disk", b"", type=tarfile.BLKTYPE)], "a device, a pipe"),
    "terminal": ([member("null", b"", type=tarfile.CHRTYPE)], "a device, a pipe"),
    "twice": ([member("a"), member("a", b"y")], "has the name 'a' twice"),
    "long": ([member("n" * 300)], "has a name that cannot be a file here: File name too long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_may_not_be_in_a_package_is_refused_by_name(tmp_path: Path, name: str) -> None:
    members, text = HOSTILE[name]
    source = write(tmp_path / "model.tar.gz", tar([member("first"), *members]))
    assert text in refused(source, tmp_path)
    assert not Path("/tmp", OUTSIDE).exists()


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert package_files.MOST_NAMES == 10_000
    monkeypatch.setattr(package_files, "MOST_NAMES", 100)
    source = write(tmp_path / "model.tar.gz", tar(member(f"{number}", b"") for number in range(100)))
    assert "more than 100 files and directories" in refused(source, tmp_path)


def test_a_bomb_is_refused_early(tmp_path: Path) -> None:
    source = zeros(tmp_path / "model.tar.gz", 300)
    assert source.stat().st_size < 320_000
    began = time.monotonic()
    assert "unpacks to more than 200 times its size" in refused(source, tmp_path)
    assert time.monotonic() - began < 2


def test_a_few_zeros_are_no_bomb(tmp_path: Path) -> None:
    unpacked = unpack(zeros(tmp_path / "model.tar.gz", 12), tmp_path / "store")
    assert (unpacked.directory / "zeros").stat().st_size == 12 * 2**20


def test_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_file, "MOST_BYTES", 2**20)
    assert "holds more than 5 GiB" in refused(zeros(tmp_path / "model.tar.gz", 4), tmp_path)
    (tmp_path / "directory").mkdir()
    with (tmp_path / "directory" / "sparse").open("wb") as file:
        file.truncate(package_files.MOST_BYTES + 1)
    assert "holds more than 5 GiB" in refused(tmp_path / "directory", tmp_path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_huge_header_is_not_read_into_memory(tmp_path: Path, kind: bytes) -> None:
    source = huge_header(tmp_path / "model.tar.gz", kind, 60)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "a header of more than 1 MiB" in refused(source, tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_a_chain_of_headers_is_refused(tmp_path: Path) -> None:
    chain = b"".join(member("x", b"", type=tarfile.XHDTYPE)[0].tobuf() for _ in range(1900))
    assert "damaged or cut off" in refused(write(tmp_path / "model.tar.gz", chain + plain()), tmp_path)


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**30)
        file.seek(2**20)
        file.write(b"x")
    for form in ("gnu", "pax"):
        command = ["tar", f"--format={form}", "-S", "-czf", tmp_path / "model.tar.gz", "-C", tmp_path, "sparse"]
        subprocess.run(command, check=True)
        assert "a sparse file" in refused(tmp_path / "model.tar.gz", tmp_path)


@given(st.data())
def test_no_damage_makes_anything_but_one_line(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    tmp_path = tmp_path_factory.mktemp("damage", numbered=True)
    tarred = bytearray(tar([member("a", b"abc"), member("n" * 120, b"x" * 700), member("é")]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(tarred) - 1))
        # no slash and no dot: no name may ever lead anywhere while this looks for surprises
        tarred[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte not in b"/."))
    for start in range(0, len(tarred), 512):  # the damage is behind right checksums
        block = tarred[start : start + 512]
        if block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            tarred[start + 148 : start + 156] = f"{sum(block):06o}\0 ".encode()
    source = write(tmp_path / "model.tar.gz", bytes(tarred))
    try:
        unpack(source, tmp_path / "store")
    except BadInput as error:
        assert "\n" not in str(error)
    shutil.rmtree(tmp_path)
