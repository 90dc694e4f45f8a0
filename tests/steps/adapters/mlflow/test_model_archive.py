"""The model.tar.gz of a packaged model."""

import os
import shutil
import tarfile
from pathlib import Path

from model_packages import make_package

from slipway_steps.adapters.mlflow.model_archive import write_archive


def with_handler(directory: Path) -> Path:
    package = make_package(directory)
    for name in ("code/inference.py", "code/__pycache__/inference.pyc", "calibration/table.json", "model.onnx.data"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(name)
    (package / "code" / "run.sh").write_text("#!/bin/sh")
    return package


def test_the_same_package_gives_the_same_bytes(tmp_path: Path) -> None:
    first = with_handler(tmp_path / "first")
    second = shutil.copytree(first, tmp_path / "elsewhere" / "second")
    for path in second.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1, 1))
    one, two = (write_archive(package, package.parent) for package in (first, second))
    assert one != two
    assert one.read_bytes() == two.read_bytes()
    (second / "code" / "inference.py").write_text("other")
    assert write_archive(second, second.parent).read_bytes() != one.read_bytes()


def test_it_holds_what_a_server_needs_and_nothing_of_its_writer(tmp_path: Path) -> None:
    archive = write_archive(with_handler(tmp_path / "package"), tmp_path)
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
        opened.extractall(tmp_path / "unpacked", filter="data")
    names = [member.name for member in members]
    assert names == sorted(names)
    assert names == [
        "calibration",
        "calibration/table.json",
        "code",
        "code/inference.py",
        "code/run.sh",
        "contract.json",
        "model.onnx",
        "model.onnx.data",
    ]
    assert {(member.uid, member.gid, member.mtime, member.uname) for member in members} == {(0, 0, 0, "")}
    assert (tmp_path / "unpacked" / "code" / "inference.py").read_text() == "code/inference.py"
