"""`slipway perf clean` after the program was killed at any moment: no process of ours is left, and no run is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from workflows.cli.perf.test_run import scenario

from slipway_steps.adapters.local.subreaper import MARK
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.cli import main

KILLS = int(os.environ.get("SLIPWAY_TEST_KILLS", "5"))
"""Programs that are killed; 100 are the claim, and take some minutes."""


def started(home: Path, file: Path) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-P", "-m", "slipway_workflows.cli", "--home", str(home), "perf", "run", str(file)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def clean(home: Path) -> int:
    return main(["--home", str(home), "perf", "clean"])


def ours(home: Path) -> list[psutil.Process]:
    """The processes of the sessions of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "")
        except psutil.Error:
            continue
        if mark.startswith(f"{home.resolve()}/"):
            found.append(process)
    return found


@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_at_any_moment_leaves_nothing_after_clean(tmp_path: Path, number: int) -> None:
    home = tmp_path / "home"
    file = scenario(tmp_path, script="sleep 60 & setsid sleep 61 & sleep 0.2", numTimes=50, concurrency=2)
    program = started(home, file)
    time.sleep(random.Random(number).uniform(0.2, 4.5))
    program.kill()
    program.wait()
    lines = [path.read_bytes().splitlines() for path in home.glob("perf/*/runs.jsonl")]
    stored = [json.loads(line) for line in lines[0] if line.endswith(b"}")] if lines else []
    names = {path.name for path in home.glob("perf/*")}
    processes = ours(home)
    assert clean(home) == 0
    assert [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert ours(home) == []
    left = list(home.glob("perf/*"))
    if stored:
        (directory,) = left
        session = PerfSession.model_validate_json((directory / "session.json").read_text())
        assert session.runs == [RunSample.model_validate(one) for one in stored]
        assert session.verdict is not Verdict.PASS
        assert not (directory / "work").exists()
    else:
        assert left == [], names
    groups = {name for _, found, _ in os.walk("/sys/fs/cgroup") for name in found}
    assert not {name for name in groups if any(name.startswith(f"{one}-") for one in names)}


def test_clean_leaves_a_session_that_runs_and_is_no_error_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    program = started(home, scenario(tmp_path, script="sleep 0.3", numTimes=4))
    try:
        deadline = time.monotonic() + 30
        while not list(home.glob("perf/*/runs.jsonl")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert clean(home) == 0
        assert capsys.readouterr().out == "nothing to clean up\n"
    finally:
        assert program.wait(60) == 0
    (file,) = home.glob("perf/*/session.json")
    session = PerfSession.model_validate_json(file.read_text())
    assert (len(session.timed), session.verdict) == (4, Verdict.PASS)
    assert clean(home) == 0
    assert capsys.readouterr().out == "nothing to clean up\n"
    assert PerfSession.model_validate_json(file.read_text()) == session


def test_ctrl_c_keeps_what_was_measured_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = started(home, scenario(tmp_path, script="sleep 0.2", numTimes=100, concurrency=2))
    deadline = time.monotonic() + 30
    while not list(home.glob("perf/*/runs.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    assert program.wait(30) == 130
    assert ours(home) == []
    (file,) = home.glob("perf/*/session.json")
    session = PerfSession.model_validate_json(file.read_text())
    assert session.timed
    assert session.verdict is Verdict.INCONCLUSIVE
    assert not (file.parent / "work").exists()


def test_sigterm_before_the_first_run_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = started(home, scenario(tmp_path, script="sleep 0.2"))
    deadline = time.monotonic() + 30
    # it checks the pipeline by a process, before the first run
    while not ours(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGTERM)
    assert program.wait(30) == 130
    assert ours(home) == []
    assert list(home.glob("perf/*")) == []


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.8])
def test_sigterm_after_the_last_run_keeps_all_of_them(tmp_path: Path, delay: float) -> None:
    """It comes while the session is stored, while all that it made is removed, or while MLflow gets it."""
    home = tmp_path / "home"
    program = started(home, scenario(tmp_path, script="setsid sleep 60 & sleep 0.1", numTimes=2))
    deadline = time.monotonic() + 60
    lines: list[bytes] = []
    while len(lines) < 2 and time.monotonic() < deadline:
        lines = [line for path in home.glob("perf/*/runs.jsonl") for line in path.read_bytes().splitlines()]
        time.sleep(0.01)
    time.sleep(delay)
    program.send_signal(signal.SIGTERM)
    assert program.wait(30) == 130
    assert ours(home) == []
    (file,) = home.glob("perf/*/session.json")
    assert len(PerfSession.model_validate_json(file.read_text()).timed) == 2
    assert not (file.parent / "work").exists()
    assert not (file.parent / "begun.json").exists(), "there is nothing left for slipway perf clean"
