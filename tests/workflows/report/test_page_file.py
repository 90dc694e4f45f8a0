"""The file of a report is written whole, or one line says why not."""

from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_workflows.report.page_file import write_page


def test_a_page_is_written_with_its_directories_and_replaces_an_old_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    assert write_page("old", target) == target
    write_page("a lone surrogate \udcff", target)
    assert target.read_text() == "a lone surrogate ?"
    assert [one.name for one in target.parent.iterdir()] == ["report.html"]


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="could not be written to"):
        write_page("text", tmp_path / "file" / "report.html")
