"""The names that a package may have, and whether its files are still whole."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway_steps.adapters.handlers import package_files
from slipway_steps.adapters.handlers.package_files import Names, make_read_only, seal
from slipway_steps.domain.errors import BadInput


@pytest.fixture
def names() -> Names:
    return Names(Path("model.tar.gz"))


@pytest.mark.parametrize(
    ("name", "directory", "normal"),
    [
        ("./code//inference.py", False, "code/inference.py"),
        ("code/", True, "code"),
        (".", True, ""),
        ("...", False, "..."),
        ("a..b", False, "a..b"),
        ("modèle", False, "modèle"),
    ],
)
def test_a_name_is_kept_without_dots_and_doubled_slashes(names: Names, name: str, directory: bool, normal: str) -> None:
    assert names.add(name, directory=directory) == normal


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("/etc/passwd", "the absolute name"),
        ("a/../../b", "which may lead out of it"),
        ("code/../model.bin", "which may lead out of it"),
        ("..", "which may lead out of it"),
        ("a\0b", "which no file can have"),
        (".", "which no file can have"),
        ("é" * 2049, "too long or too deep"),
        ("a/" * 101, "too long or too deep"),
    ],
)
def test_a_name_that_is_not_safe_is_refused(names: Names, name: str, fault: str) -> None:
    with pytest.raises(BadInput, match=f"model.tar.gz has the .*{fault}|model.tar.gz has {fault}"):
        names.add(name, directory=name.startswith("a/"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a", False), ("./a", False)),
        (("d/a", False), ("d//./a", False)),
        (("a", False), ("a", True)),
        (("a", True), ("a", False)),
        (("a/b", False), ("a", False)),
        (("a", False), ("a/b/c", False)),
    ],
)
def test_no_name_is_a_file_and_something_else(names: Names, first: tuple[str, bool], second: tuple[str, bool]) -> None:
    names.add(first[0], directory=first[1])
    with pytest.raises(BadInput, match="twice"):
        names.add(second[0], directory=second[1])


def test_a_directory_may_come_again(names: Names) -> None:
    names.add("a/b", directory=False)
    assert [names.add("a", directory=True), names.add("a/", directory=True)] == ["a", "a"]
    assert names.add("a/c", directory=False) == "a/c"


@pytest.mark.parametrize(
    "fill",
    [
        lambda names, most: [names.add(str(number), directory=False) for number in range(most - 1)],
        lambda names, most: names.add("d/" * (most - 2) + "f", directory=False),
        lambda names, most: [names.add("d", directory=True) for _ in range(most)],
    ],
    ids=["files", "directories of one name", "one directory again and again"],
)
def test_no_more_names_than_allowed(
    names: Names, fill: Callable[[Names, int], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_files, "MOST_NAMES", 20)
    fill(names, 20)
    with pytest.raises(BadInput, match="more than 20 files and directories"):
        names.add("one-more", directory=False)


def package(directory: Path) -> Path:
    (directory / "code").mkdir(parents=True)
    (directory / "code" / "inference.py").write_text("x = 1\n")
    (directory / "model.bin").write_bytes(b"weights")
    return directory


def same_size_later(path: Path) -> None:
    path.write_bytes(b"WEIGHTS")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda made: (made / "model.bin").rename(made / "model.bin2"),
        lambda made: (made / "more").mkdir(),
        lambda made: (made / "code" / "inference.py").unlink(),
        lambda made: (made / "model.bin").chmod(0o600),
        lambda made: same_size_later(made / "model.bin"),
        lambda made: ((made / "model.bin").unlink(), (made / "model.bin").mkdir()),
        lambda made: ((made / "model.bin").unlink(), (made / "model.bin").symlink_to("code/inference.py")),
    ],
    ids=["renamed", "more", "less", "rights", "written", "another type", "a link"],
)
def test_a_seal_changes_with_every_change(tmp_path: Path, change: Callable[[Path], object]) -> None:
    made = package(tmp_path / "package")
    before = seal(made)
    (made / "code" / "inference.py").read_text()
    assert seal(made) == before, "reading changes nothing"
    change(made)
    assert seal(made) != before


@pytest.mark.parametrize(("executable", "mode"), [(False, 0o444), (True, 0o555)])
def test_nobody_may_write_to_a_file(tmp_path: Path, executable: bool, mode: int) -> None:
    (tmp_path / "file").touch(mode=0o777)
    make_read_only(tmp_path / "file", executable=executable)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
