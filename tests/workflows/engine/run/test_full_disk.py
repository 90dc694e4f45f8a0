"""A disk that gets full while a step runs: its node says so, and nothing that was cut off counts as whole."""

from pathlib import Path

import pytest
from engine_runs import Ran, call, pod, steps
from small_disk import small_disk

from slipway_workflows.engine.run.artifact_files import copy_readable


def test_a_step_that_fails_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "2m") as home:
        # what it writes about it has no room either, and its own files are gone when the run has ended
        ran = Ran(home, steps([call("a", "work")]), pod("work", "cat /dev/zero > /tmp/out; exit 3"))
        assert ran.phases()["[0].a"] == "Failed"
        message = ran.nodes["wf[0].a"]["message"]
        assert message.startswith("main: Error (exit code 3)")
        assert "; No space left on device: 0 KiB are free in " in message


def test_a_step_that_fails_beside_a_disk_with_room_says_nothing_of_it(tmp_path: Path) -> None:
    ran = Ran(tmp_path, steps([call("a", "work")]), pod("work", "exit 3"))
    assert ran.nodes["wf[0].a"]["message"] == "main: Error (exit code 3)"


def test_a_directory_that_is_copied_in_part_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_bytes(bytes(3 * 2**20))
    with small_disk(tmp_path / "small", "2m") as home, pytest.raises(OSError, match="No space left on device"):
        copy_readable(tmp_path / "source", home / "target")
