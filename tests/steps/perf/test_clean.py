"""What `clean` removes, and what it leaves alone because it is not ours or holds runs."""

import math
import shutil
from pathlib import Path

import pytest
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_store import SESSION, run

from slipway_steps.domain.errors import Broken
from slipway_steps.perf.clean import Cleaned, clean, clean_target
from slipway_steps.perf.store import SessionStore, read_session

NAME = "perf-bcdfg"


def killed(tmp_path: Path, *, runs: int = 0, name: str = NAME) -> Path:
    """The directory of a session whose program was killed."""
    store = SessionStore(tmp_path, name)
    store.begin(SESSION.model_copy(update={"name": name}))
    for number in range(runs):
        store.add(run(number))
    store.close(removed=False)
    return store.directory


def cleaned(tmp_path: Path) -> tuple[list[Cleaned], list[str]]:
    """What `clean` did, and the sessions that it had a target remove."""
    target = SleepingTarget()
    return list(clean(tmp_path, lambda name: target)), target.removed


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_session_without_runs_is_removed(tmp_path: Path) -> None:
    directory = killed(tmp_path)
    (directory / ".session.json.x1").write_text("{")
    (directory / "logs" / "r-1").mkdir(parents=True)
    assert cleaned(tmp_path) == ([Cleaned(NAME, [], 0)], [NAME])
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_could_not_begin_is_removed(tmp_path: Path) -> None:
    directory = killed(tmp_path)
    (directory / "begun.json").rename(directory / ".begun.json.x1")
    assert cleaned(tmp_path) == ([Cleaned(NAME, (), 0)], [])
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_begins_is_left_alone(tmp_path: Path) -> None:
    store = SessionStore(tmp_path, NAME)
    assert cleaned(tmp_path) == ([], [])
    assert store.directory.is_dir()
    store.close()


def test_what_others_put_beside_stays(tmp_path: Path) -> None:
    (killed(tmp_path) / "notes.txt").write_text("mine")
    assert cleaned(tmp_path)[1] == [NAME]
    assert content(tmp_path) == {f"{NAME}/notes.txt": b"mine"}


@pytest.mark.parametrize("runs", [0, 3])
def test_a_beginning_that_cannot_be_read_removes_nothing(tmp_path: Path, runs: int) -> None:
    directory = killed(tmp_path, runs=runs)
    (directory / "begun.json").write_text("garbage")
    before = content(tmp_path)
    (found,), removed = cleaned(tmp_path)
    assert f"{directory / 'begun.json'} cannot be read" in found.error
    assert (content(tmp_path), removed) == (before, [])


def test_runs_that_cannot_be_read_are_named_and_stay(tmp_path: Path) -> None:
    directory = killed(tmp_path)
    (directory / "runs.jsonl").write_text("garbage\n")
    before = content(tmp_path)
    (found,), _ = cleaned(tmp_path)
    assert "has no line that can be read" in found.error
    assert content(tmp_path) == before


def test_a_damaged_line_costs_no_other_run(tmp_path: Path) -> None:
    directory = killed(tmp_path, runs=3)
    first, *others = (directory / "runs.jsonl").read_text().splitlines()
    (directory / "runs.jsonl").write_text("\n".join([first[:9], *others]))
    assert cleaned(tmp_path)[0] == [Cleaned(NAME, [], 2)]
    session = read_session(directory)
    assert session is not None
    assert session.runs == [run(1), run(2)]


def test_a_directory_that_is_no_session_s_is_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "perf-notes" / "work" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    killed(tmp_path, name="perf-notes")
    directory = killed(tmp_path, name="perf-bcdfh")
    (directory / "begun.json").rename(directory / "comparison.json")
    (killed(tmp_path, name="perf-bcdfj") / "lock").unlink()
    (tmp_path / "perf-bcdfk").symlink_to(tmp_path / "perf-notes")
    before = content(tmp_path)
    assert cleaned(tmp_path) == ([], [])
    assert content(tmp_path) == before


def test_a_copy_of_a_session_removes_nothing(tmp_path: Path) -> None:
    shutil.copytree(killed(tmp_path, runs=1), tmp_path / f"{NAME}-copy")
    (_, copy), removed = cleaned(tmp_path)
    assert f"is of {NAME}" in copy.error
    assert removed == [NAME]


def test_the_side_of_a_comparison_is_cleaned_up(tmp_path: Path) -> None:
    killed(tmp_path, name=f"{NAME}-head")
    assert cleaned(tmp_path) == ([Cleaned(f"{NAME}-head", [], 0)], [f"{NAME}-head"])


def test_a_target_that_fails_is_named_and_the_next_session_is_cleaned(tmp_path: Path) -> None:
    killed(tmp_path, runs=1)
    killed(tmp_path, name="perf-zzzzz")

    class Failing(SleepingTarget):
        def remove(self, session: str) -> list[str]:
            if session == NAME:
                raise Broken("the cluster does not answer")
            return []

    one, two = clean(tmp_path, lambda name: Failing())
    assert "does not answer" in one.error
    assert two == Cleaned("perf-zzzzz", [], 0)
    assert (tmp_path / NAME / "runs.jsonl").exists()


def test_a_target_is_cleaned_of_sessions_whose_time_is_over() -> None:
    target = SleepingTarget()
    target.left = {"perf-b": 100.0, "perf-c": 300.0, "perf-d": math.inf}
    over, running, untold = clean_target(target, 200.0)
    assert (str(over), target.removed) == ("perf-b: nothing was left", ["perf-b"])
    assert str(running) == "perf-c: left alone: it may still be running, until 1970-01-01 00:05:00 UTC"
    assert "does not tell until when" in str(untold)


def test_what_cannot_be_removed_at_a_target_is_named_and_the_rest_is_removed() -> None:
    class Failing(SleepingTarget):
        def remove(self, session: str) -> list[str]:
            if session == "perf-b":
                raise Broken("the cluster does not answer")
            return ["workflow perf-c-1"]

    target = Failing()
    target.left = {"perf-b": 100.0, "perf-c": 100.0}
    assert [str(one) for one in clean_target(target, 200.0)] == [
        "perf-b: the cluster does not answer",
        "perf-c: removed workflow perf-c-1",
    ]
