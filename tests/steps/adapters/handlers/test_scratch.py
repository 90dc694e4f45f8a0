"""A temporary directory is gone afterwards, with the processes that worked in it, however its owner ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.domain.errors import Broken

SLEEPER = [sys.executable, "-c", "import time; time.sleep(300)"]
OWNER = """
import os, subprocess, sys, time
from pathlib import Path
from slipway_steps.adapters.handlers.scratch import scratch

with scratch(Path(sys.argv[1])) as temporary:
    code = "import os, subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(300)"
    child = subprocess.Popen([sys.executable, "-c", code, *sys.argv[2:]], cwd=temporary.path, start_new_session=True)
    temporary.watch(child.pid)
    (temporary.path / "deep" / "er").mkdir(parents=True)
    (temporary.path / "deep" / "er" / "file").write_text("x")
    (temporary.path / "deep" / "er").chmod(0o500)
    if os.environ.get("FORK") and os.fork() == 0:
        time.sleep(8)
        os._exit(0)
    print(child.pid, flush=True)
    time.sleep(300)
"""


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def alive(group: int) -> list[int]:
    """The processes of the group that still run; what is dead and not yet collected does not count."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def owner(parent: Path, **environment: str) -> tuple["subprocess.Popen[str]", int]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(parent), *SLEEPER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    assert process.stdout is not None
    group = int(process.stdout.readline())
    until(lambda: len(alive(group)) == 2)
    return process, group


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_leaves_no_directory_and_no_process(tmp_path: Path, sent: signal.Signals) -> None:
    process, group = owner(tmp_path)
    os.killpg(process.pid, sent)
    process.communicate(timeout=20)
    until(lambda: not list(tmp_path.iterdir()))
    until(lambda: not alive(group))


def test_a_process_that_the_owner_forked_does_not_keep_the_directory(tmp_path: Path) -> None:
    process, group = owner(tmp_path, FORK="yes")
    process.kill()
    process.wait()
    until(lambda: not list(tmp_path.iterdir()), 6)
    until(lambda: not alive(group))


def test_two_at_once_end_apart(tmp_path: Path) -> None:
    first, first_group = owner(tmp_path)
    second, second_group = owner(tmp_path)
    first.kill()
    first.communicate()
    until(lambda: len(list(tmp_path.iterdir())) == 1)
    until(lambda: not alive(first_group))
    assert len(alive(second_group)) == 2
    second.kill()
    second.communicate()
    until(lambda: not list(tmp_path.iterdir()))


def test_the_end_of_the_block_removes_the_directory_and_kills_who_is_watched(tmp_path: Path) -> None:
    with scratch(tmp_path / "made" / "for it") as temporary:
        assert temporary.path.stat().st_mode & 0o777 == 0o700
        child = subprocess.Popen(SLEEPER, start_new_session=True)
        temporary.watch(child.pid)
        (temporary.path / "file").write_text("x")
    assert child.wait(5) == -signal.SIGKILL
    assert list((tmp_path / "made" / "for it").iterdir()) == []


def test_a_deep_directory_is_removed(tmp_path: Path) -> None:
    with scratch(tmp_path) as temporary:
        deep = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
        subprocess.run([sys.executable, "-c", deep], cwd=temporary.path, check=True)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_block_removes_it_too(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch(tmp_path):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_has_ended_is_not_killed(tmp_path: Path) -> None:
    other = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        with scratch(tmp_path) as temporary:
            temporary.watch(other.pid)
            temporary.forget(other.pid)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_killed_guardian_is_replaced_at_the_end(tmp_path: Path) -> None:
    with scratch(tmp_path) as temporary:
        guardian = psutil.Process(temporary._guardian.pid)
        guardian.kill()
        child = subprocess.Popen(SLEEPER, start_new_session=True)
        until(lambda: guardian.status() == psutil.STATUS_ZOMBIE)
        temporary.watch(child.pid)
    assert child.wait(5) == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_cannot_be_started_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Broken, match=r"the guardian .* cannot be started by .*python: No such file"), scratch(tmp_path):
        pass


def test_a_parent_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Broken, match=r"no temporary directory can be made in .*file: "), scratch(tmp_path / "file"):
        pass
