"""Members of foreign archives: plain files are written, and nothing else, whatever Python runs it."""

import contextlib
import io
import tarfile
from pathlib import Path

import pytest

from slipway_steps.adapters.tar_members import UnsafeMember, write_member


def archive_with(**changes: object) -> tarfile.TarFile:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        info = tarfile.TarInfo("dir/file")
        info.size, info.mode = 4, 0o6777
        for name, value in changes.items():
            setattr(info, name, value)
        made.addfile(info, io.BytesIO(b"data"))
    data.seek(0)
    return tarfile.open(fileobj=data)


@pytest.fixture(params=[True, False], ids=["with the filter of tarfile", "as in Python 3.11.2"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("python")
def test_a_file_is_written_over_an_old_one_without_rights_for_others(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "file").write_text("old")
    with archive_with() as archive:
        write_member(archive, archive.getmembers()[0], tmp_path)
    assert (tmp_path / "dir" / "file").read_text() == "data"
    assert (tmp_path / "dir" / "file").stat().st_mode & 0o7777 == 0o755


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize(
    "changes",
    [
        {"type": tarfile.SYMTYPE, "linkname": "elsewhere"},
        {"type": tarfile.LNKTYPE, "linkname": "elsewhere"},
        {"type": tarfile.CHRTYPE},
        {"type": tarfile.FIFOTYPE},
        {"name": "../escaped-from-its-test"},
    ],
    ids=str,
)
def test_nothing_else_is_written(tmp_path: Path, changes: dict[str, object]) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with archive_with(**changes) as archive, pytest.raises((UnsafeMember, tarfile.TarError)):
        write_member(archive, archive.getmembers()[0], target)
    assert [one.name for one in tmp_path.iterdir()] == ["target"]
    assert list(target.iterdir()) == []


@pytest.mark.usefixtures("python")
def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target" / "dir").mkdir(parents=True)
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "target" / "dir" / "file").symlink_to(tmp_path / "precious")
    # it is replaced, or refused where tarfile sees it
    with archive_with() as archive, contextlib.suppress(tarfile.TarError):
        write_member(archive, archive.getmembers()[0], tmp_path / "target")
    assert (tmp_path / "precious").read_text() == "kept"
