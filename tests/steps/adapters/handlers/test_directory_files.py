"""A directory is a packaged model too, with the same rules as an archive."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from steps.adapters.handlers.archives import FILES, refused

from slipway_steps.adapters.handlers import directory_files, package_files
from slipway_steps.adapters.handlers.archive import unpack


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_bytes(content)
    return tmp_path / "model"


def test_a_directory_is_copied_and_its_files_are_read_only(source: Path, tmp_path: Path) -> None:
    (source / "empty").mkdir()
    (source / "tool").write_text("x")
    (source / "tool").chmod(0o755)
    unpacked = unpack(source, tmp_path / "store")
    assert unpacked.directory == tmp_path / "store" / unpacked.digest[7:23] / "package"
    assert unpacked.size == sum(len(content) for content in FILES.values()) + 1
    for name, content in FILES.items():
        assert (unpacked.directory / name).read_bytes() == content
        assert stat.S_IMODE((unpacked.directory / name).stat().st_mode) == 0o444
    assert stat.S_IMODE((unpacked.directory / "tool").stat().st_mode) == 0o555
    assert (unpacked.directory / "empty").is_dir()


def test_the_digest_is_of_names_and_contents_alone(source: Path, tmp_path: Path) -> None:
    first = unpack(source, tmp_path / "store")
    copy = shutil.copytree(source, tmp_path / "elsewhere")
    os.utime(copy / "model.bin", (1, 1))
    (copy / "code" / "__pycache__").mkdir()
    (copy / "code" / "__pycache__" / "inference.cpython-311.pyc").write_bytes(b"x")
    assert unpack(copy, tmp_path / "store") == first
    assert not (first.directory / "code" / "__pycache__").exists()
    for change in (
        lambda: (copy / "model.bin").write_bytes(FILES["model.bin"][:-1] + b"?"),
        lambda: (copy / "code").rename(copy / "Code"),
        (copy / "more").mkdir,
        lambda: (copy / "model.bin").chmod(0o755),
    ):
        before = unpack(copy, tmp_path / "store").digest
        change()
        assert unpack(copy, tmp_path / "store").digest != before


def test_the_store_may_lie_in_the_directory(source: Path) -> None:
    first = unpack(source, source / ".slipway" / "handlers")
    (source / ".slipway" / "report.html").write_text("x")
    assert unpack(source, source / ".slipway" / "handlers") == first
    assert not (first.directory / ".slipway").exists()


def test_a_way_to_the_directory_may_be_a_link(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    assert unpack(tmp_path / "link", tmp_path / "store") == unpack(source, tmp_path / "store")


@pytest.mark.parametrize("target", ["model.bin", "code", "../outside", "nowhere"])
def test_a_link_in_the_directory_is_refused(source: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").write_text("secret")
    (source / "code" / "link").symlink_to(source / target)
    assert "code/link', which is a symbolic link" in refused(source, tmp_path)


def test_a_pipe_in_the_directory_is_refused(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe")
    assert "pipe', which is no regular file" in refused(source, tmp_path)


def test_too_many_files_are_refused(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_files, "MOST_NAMES", 2)
    assert "more than 2 files and directories" in refused(source, tmp_path)


def test_a_file_that_changes_while_it_is_copied_is_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = directory_files.make_read_only

    def write_meanwhile(file: Path, *, executable: bool) -> None:
        (source / "model.bin").write_bytes(b"other")
        real(file, executable=executable)

    monkeypatch.setattr(directory_files, "make_read_only", write_meanwhile)
    assert "was written to while it was copied" in refused(source, tmp_path)


def test_a_file_that_goes_while_it_is_read_is_named(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = directory_files.DirectoryFiles._digest

    def remove_first(files: directory_files.DirectoryFiles, target: Path | None) -> str:
        (source / "model.bin").unlink()
        return real(files, target)

    monkeypatch.setattr(directory_files.DirectoryFiles, "_digest", remove_first)
    assert "model.bin cannot be read: No such file" in refused(source, tmp_path)
