"""The program that removes a temporary directory, and what worked in it, once its owner is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from handler_programs import PROGRAMS

from slipway_steps.adapters.handlers.programs import scratch_guardian

Sleeper = subprocess.Popen[bytes]


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[list[Sleeper]]:
    """Two processes, each in a session of its own; the environment of the first names a file in a directory `scratch`,
    that of the second another directory.
    """
    places = (f"{tmp_path}/scratch/home", f"{tmp_path}/scratch-2/home")
    started = [subprocess.Popen(["sleep", "60"], env={"HOME": place}, start_new_session=True) for place in places]
    for one in started:  # until then its environment is that of this process
        while Path(f"/proc/{one.pid}/comm").read_text().strip() != "sleep":
            time.sleep(0.01)
    yield started
    for one in started:
        one.kill()
        one.wait()


def ended(process: Sleeper) -> bool:
    try:
        return process.wait(0.2) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        return False


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigIgn:")[2].split()[0], 16) >> (number - 1) & 1)


def test_only_processes_of_the_directory_are_strays(sleepers: list[Sleeper], tmp_path: Path) -> None:
    scratch_guardian.kill_strays(str(tmp_path / "scratch"))
    assert [ended(one) for one in sleepers] == [True, False]


def test_groups_that_are_gone_do_not_matter(sleepers: list[Sleeper]) -> None:
    sleepers[1].kill()
    sleepers[1].wait()
    scratch_guardian.kill({sleepers[1].pid, sleepers[0].pid})
    assert ended(sleepers[0])


def test_what_runs_in_a_control_group_is_killed(sleepers: list[Sleeper], tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text(f"{sleepers[0].pid}\n")
    scratch_guardian.remove_control(str(tmp_path))
    scratch_guardian.remove_control(str(tmp_path / "gone"))
    assert [ended(one) for one in sleepers] == [True, False]


def test_rights_that_were_taken_from_directories_are_given_back_and_links_are_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (tmp_path / "scratch" / "a" / "b").mkdir(parents=True)
    (tmp_path / "scratch" / "link").symlink_to(outside)
    for name in ("a/b", "a"):
        (tmp_path / "scratch" / name).chmod(0o000)
    scratch_guardian.make_removable(str(tmp_path / "scratch"))
    assert [(tmp_path / "scratch" / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]
    assert outside.stat().st_mode & 0o777 == 0o755


def test_reports_are_read_whole_however_they_are_written(sleepers: list[Sleeper], tmp_path: Path) -> None:
    (tmp_path / "watched").mkdir()
    first, second = (one.pid for one in sleepers)
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", PROGRAMS / "scratch_guardian.py", tmp_path / "watched", str(os.getpid())],
        stdin=subprocess.PIPE,
        bufsize=0,
    )
    assert guardian.stdin is not None
    for part in (f"+{first}\n+{second}\n-{second}", f"\n/no/such/control\n+{first}\n"):
        guardian.stdin.write(part.encode())
    while not ignores(guardian.pid, signal.SIGHUP):
        time.sleep(0.005)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        guardian.send_signal(ignored)
    guardian.stdin.close()
    assert guardian.wait(10) == 0
    assert not (tmp_path / "watched").exists()
    assert [ended(one) for one in sleepers] == [True, False]


def test_what_cannot_be_removed_is_not_tried_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "cgroup.procs").write_text("")  # a directory of files is not removed as a control group is
    monkeypatch.setattr(scratch_guardian, "REMOVAL", 0.1)
    monkeypatch.setattr(scratch_guardian, "wait_for_end", lambda owner: (set(), {str(tmp_path / "control")}))
    monkeypatch.setattr(scratch_guardian.signal, "signal", lambda *given: None)
    monkeypatch.setattr(scratch_guardian.sys, "setrecursionlimit", lambda limit: None)
    monkeypatch.setattr(sys, "argv", ["scratch_guardian.py", str(tmp_path / "gone"), "1"])
    with pytest.raises(SystemExit) as ended_with:
        scratch_guardian.main()
    assert ended_with.value.code == 1
