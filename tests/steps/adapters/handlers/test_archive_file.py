"""An archive file is read whole and as one file, or refused for what it is."""

import gzip
import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from steps.adapters.handlers.archives import FILES, member, plain, refused, tar, write

from slipway_steps.adapters.handlers import archive_file
from slipway_steps.adapters.handlers.archive_file import ArchiveFile


def test_digest_and_size_are_those_of_the_file(tmp_path: Path) -> None:
    source = write(tmp_path / "model.tar.gz", plain())
    with ArchiveFile(source) as archive:
        assert archive.digest == f"sha256:{hashlib.sha256(source.read_bytes()).hexdigest()}"
        assert archive.size == source.stat().st_size


def test_what_is_unpacked_is_what_the_digest_is_of(tmp_path: Path) -> None:
    source = write(tmp_path / "model.tar.gz", plain())
    with ArchiveFile(source) as archive:
        other = write(tmp_path / "other", tar([member("other")]))
        other.rename(source)
        archive.write(tmp_path / "package")
    assert (tmp_path / "package" / "model.bin").read_bytes() == FILES["model.bin"]


def test_it_can_be_unpacked_twice(tmp_path: Path) -> None:
    with ArchiveFile(write(tmp_path / "model.tar.gz", plain())) as archive:
        for name in ("first", "second"):
            archive.write(tmp_path / name)
            assert (tmp_path / name / "model.bin").read_bytes() == FILES["model.bin"]


def test_every_cut_of_an_archive_is_refused(tmp_path: Path) -> None:
    packed = write(tmp_path / "model.tar.gz", plain()).read_bytes()
    for length in range(1, len(packed), max(1, len(packed) // 40)):
        (tmp_path / "model.tar.gz").write_bytes(packed[:length])
        assert "model.tar.gz is " in refused(tmp_path / "model.tar.gz", tmp_path)


def test_a_tar_that_is_cut_off_inside_a_whole_gzip_file_is_refused(tmp_path: Path) -> None:
    tarred = plain()
    for length in (100, 600, 1500, 2000, 2100, 5000):
        assert "damaged or cut off" in refused(write(tmp_path / "model.tar.gz", tarred[:length]), tmp_path)


def test_a_damaged_header_is_not_the_end(tmp_path: Path) -> None:
    tarred = bytearray(plain())
    tarred[1024 + 20] ^= 0xFF
    assert "damaged or cut off: bad checksum" in refused(write(tmp_path / "model.tar.gz", bytes(tarred)), tmp_path)


def test_a_wrong_checksum_after_the_last_file_is_seen(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(plain()))
    packed[-8] ^= 0xFF
    (tmp_path / "model.tar.gz").write_bytes(bytes(packed))
    assert "damaged or cut off: CRC check failed" in refused(tmp_path / "model.tar.gz", tmp_path)


def test_an_archive_that_is_written_to_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "model.tar.gz", plain())
    real = archive_file.make_read_only

    def write_meanwhile(file: Path, *, executable: bool) -> None:
        os.utime(source, (1, 1))
        real(file, executable=executable)

    monkeypatch.setattr(archive_file, "make_read_only", write_meanwhile)
    assert "was written to while it was unpacked" in refused(source, tmp_path)


def test_what_is_no_archive_is_called_what_it_is(tmp_path: Path) -> None:
    source = tmp_path / "model.tar.gz"
    assert "cannot be read: No such file" in refused(source, tmp_path)
    source.write_bytes(b"")
    assert "is empty" in refused(source, tmp_path)
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("code/inference.py", "x")
    assert "is a zip file" in refused(source, tmp_path)
    source.write_bytes(plain())
    assert "is a tar archive that is not packed with gzip" in refused(source, tmp_path)
    source.write_bytes(b"\x80\x04 a pickle")
    assert "is not packed with gzip" in refused(source, tmp_path)
    source.write_bytes(gzip.compress(b"just text"))
    assert "damaged or cut off" in refused(source, tmp_path)
    source.write_bytes(gzip.compress(b""))
    assert "damaged or cut off: empty file" in refused(source, tmp_path)
    source.unlink()
    os.mkfifo(source)
    assert "model.tar.gz" in refused(source, tmp_path)
