"""A session on disk, and the yardstick that is measured there."""

import os
from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, PerfSession, RunOutcome, RunSample
from slipway_steps.files import lock_directory
from slipway_steps.perf.store import SessionStore, read_session, read_unfinished
from slipway_steps.perf.yardstick import yardstick

SESSION = PerfSession(
    name="perf-abcde",
    scenario=PerfScenario.model_validate({"mode": "RANDOM_GETS"}),
    scenario_digest="d",
    revision="r",
    fingerprint=Fingerprint(
        cpu="c", cores=2, memory_bytes=1, kernel="k", python="p", target="local", target_version="v"
    ),
    started=1.0,
    finished=0.0,
)


def run(number: int) -> RunSample:
    return RunSample(run=f"r-{number}", started=float(number), outcome=RunOutcome.SUCCEEDED)


def test_runs_are_found_after_a_kill_and_half_a_line_is_left_out(tmp_path: Path) -> None:
    store = SessionStore(tmp_path, "perf-abcde")
    store.begin(SESSION)
    store.add(run(1))
    store.add(run(2))
    with (store.directory / "runs.jsonl").open("a") as file:
        file.write('{"run": "r-3", "star')
    assert read_session(store.directory) is None
    found = read_unfinished(store.directory)
    assert found == SESSION.model_copy(update={"runs": [run(1), run(2)]})


def test_the_lock_is_held_until_the_session_is_closed(tmp_path: Path) -> None:
    store = SessionStore(tmp_path, "perf-abcde")
    store.begin(SESSION)
    with pytest.raises(BlockingIOError):
        lock_directory(store.directory)
    store.finish(SESSION)
    store.close()
    os.close(lock_directory(store.directory))
    assert read_session(store.directory) == SESSION
    assert read_unfinished(store.directory) is None, "nothing is left to clean up"


def test_what_could_not_be_removed_is_found_by_clean(tmp_path: Path) -> None:
    store = SessionStore(tmp_path, "perf-abcde")
    store.begin(SESSION)
    store.close(removed=False)
    assert read_unfinished(store.directory) == SESSION


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        SessionStore(tmp_path / "file", "perf-abcde")


def test_the_yardstick_takes_tens_of_milliseconds_and_leaves_nothing(tmp_path: Path) -> None:
    fastest = min(yardstick(tmp_path) for _ in range(5))
    assert 0.003 < fastest < 0.3
    assert list(tmp_path.iterdir()) == []
