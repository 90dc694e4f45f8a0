"""A packaged model is unpacked whole and once, or not at all."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from steps.adapters.handlers.archives import FILES, member, plain, tar, write

from slipway_steps.adapters.handlers.archive import Unpacked, unpack
from slipway_steps.domain.errors import BadInput, Broken


def content(unpacked: Unpacked) -> dict[str, bytes]:
    root = unpacked.directory
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_archive_lies_in_the_store_under_its_digest_read_only(tmp_path: Path) -> None:
    source = write(tmp_path / "model.tar.gz", plain())
    unpacked = unpack(source, tmp_path / "store")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert unpacked == Unpacked(tmp_path / "store" / digest[:16] / "package", f"sha256:{digest}", source.stat().st_size)
    assert content(unpacked) == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in unpacked.directory.rglob("*") if path.is_file()} == {0o444}
    shutil.rmtree(tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_who_may_run_a_file_may_run_it_afterwards_and_nobody_becomes_somebody_else(tmp_path: Path) -> None:
    tarred = tar([member("tool", mode=0o6755), member("d", b"", type=tarfile.DIRTYPE, mode=0o000), member("d/file")])
    unpacked = unpack(write(tmp_path / "model.tar.gz", tarred), tmp_path / "store")
    assert stat.S_IMODE((unpacked.directory / "tool").stat().st_mode) == 0o555
    assert content(unpacked) == {"tool": b"x", "d/file": b"x"}


def test_names_are_those_without_the_dots_that_tar_writes(tmp_path: Path) -> None:
    tarred = tar(
        [
            member("./", b"", type=tarfile.DIRTYPE),
            member("./code//inference.py"),
            member("./code", b"", type=tarfile.DIRTYPE),
        ]
    )
    assert content(unpack(write(tmp_path / "model.tar.gz", tarred), tmp_path / "store")) == {"code/inference.py": b"x"}


def test_real_tar_with_long_and_foreign_names(tmp_path: Path) -> None:
    names = ["a" * 200 + "/" + "b" * 120, "modèle é.bin", "x/y/z"]
    for name in names:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_text(name)
    for form in ("gnu", "pax"):
        source = tmp_path / f"{form}.tar.gz"
        subprocess.run(["tar", f"--format={form}", "-czf", source, "-C", tmp_path / "source", "."], check=True)
        unpacked = unpack(source, tmp_path / "store")
        assert content(unpacked) == {name: name.encode() for name in names}


def test_a_package_without_files_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", write(tmp_path / "model.tar.gz", tar([]))):
        with pytest.raises(BadInput, match="holds nothing"):
            unpack(source, tmp_path / "store")
        assert list((tmp_path / "store").iterdir()) == []


def test_the_second_time_nothing_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "model.tar.gz", plain())
    first = unpack(source, tmp_path / "store")
    inode = first.directory.stat().st_ino
    other = tmp_path / "other-name.tgz"
    shutil.copy(source, other)
    assert unpack(other, tmp_path / "store") == first
    assert first.directory.stat().st_ino == inode


@pytest.mark.parametrize(
    "damage",
    [
        lambda package: (package / "model.bin").unlink(),
        lambda package: (package / "more.py").write_text("x"),
        lambda package: ((package / "model.bin").chmod(0o644), (package / "model.bin").write_bytes(b"y" * 10240)),
        lambda package: (package.parent / "package.seal").unlink(),
        lambda package: (package.parent / "package.seal").write_bytes(b"\xff"),
        shutil.rmtree,
        lambda package: (shutil.rmtree(package), package.write_text("a file")),
    ],
    ids=["gone", "more", "written", "no seal", "bad seal", "no package", "a file"],
)
def test_what_is_damaged_in_the_store_is_unpacked_anew(tmp_path: Path, damage: object) -> None:
    source = write(tmp_path / "model.tar.gz", plain())
    assert callable(damage)
    damage(unpack(source, tmp_path / "store").directory)
    again = unpack(source, tmp_path / "store")
    assert content(again) == FILES
    assert sorted(path.name for path in again.directory.parent.iterdir()) == ["package", "package.lock", "package.seal"]
    assert [path.name for path in (tmp_path / "store").iterdir()] == [again.directory.parent.name]


UNPACK = """
import sys
from pathlib import Path
from slipway_steps.adapters.handlers.archive import unpack

print("ready", flush=True)
sys.stdin.readline()
print(unpack(Path(sys.argv[1]), Path(sys.argv[2])).directory, flush=True)
"""


def child(source: Path, store: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", UNPACK, str(source), str(store)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_that_unpack_the_same_both_succeed(tmp_path: Path) -> None:
    big = tar(member(f"file-{number}", os.urandom(20_000)) for number in range(300))
    source = write(tmp_path / "model.tar.gz", big)
    children = [child(source, tmp_path / "store") for _ in range(3)]
    for process in children:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate()[0] for process in children}
    assert [process.returncode for process in children] == [0, 0, 0]
    (place,) = (tmp_path / "store").iterdir()
    assert answers == {f"{place}/package\n"}
    assert len(list((place / "package").iterdir())) == 300


def test_a_kill_while_it_unpacks_leaves_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "model.tar.gz", tar(member(f"file-{number}", b"") for number in range(3_000)))
    process = child(source, tmp_path / "store")
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    deadline = time.monotonic() + 20
    while not list((tmp_path / "store").glob("scratch-*/package/file-1*")):
        assert time.monotonic() < deadline
    process.kill()
    process.communicate()
    while list((tmp_path / "store").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(content(unpack(source, tmp_path / "store"))) == 3_000


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    source = write(tmp_path / "model.tar.gz", tar([member("weights", os.urandom(3 * 2**20))]))
    store = tmp_path / "small"
    store.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", store], check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        with pytest.raises(Broken, match=r"could not be unpacked into .*small: No space left on device \(make room"):
            unpack(source, store)
        assert list(store.iterdir()) == []
    finally:
        subprocess.run(["umount", store], check=True)
