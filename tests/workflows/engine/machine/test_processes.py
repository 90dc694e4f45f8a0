"""Steps as processes: results, groups, and no process left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from slipway_workflows.engine.machine.groups import Groups
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.machine.step_output import RESULT_LIMIT
from slipway_workflows.engine.machine.step_process import Finished, StepProgram
from slipway_workflows.engine.machine.timings import Timings


def run(tmp_path: Path, script: str, capture: bool = False, seconds: float | None = None) -> Finished:
    async def once() -> Finished:
        processes = Processes(Timings(tmp_path), Groups(tmp_path))
        try:
            log = tmp_path / "log"
            program = StepProgram(["sh", "-c", script], tmp_path, {"PATH": os.defpath})
            return await processes.run("a", program, log, capture, seconds, "late")
        finally:
            processes.close()

    return asyncio.run(once())


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 1), ("/no/such/program", 127)]
)
def test_exit_codes_are_those_of_argo_s_executor(tmp_path: Path, script: str, code: int) -> None:
    assert run(tmp_path, script).code == code


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async def once() -> Finished:
        processes = Processes(Timings(tmp_path), Groups(tmp_path))
        try:
            return await processes.run("a", StepProgram(["/no/such"], tmp_path, {}), tmp_path / "log", False)
        finally:
            processes.close()

    finished = asyncio.run(once())
    assert finished.code == 64
    assert "No such file" in finished.problem


def test_output_goes_to_the_log_and_its_end_is_kept(tmp_path: Path) -> None:
    finished = run(tmp_path, "echo out; echo err >&2", capture=True)
    assert finished.stdout == b"out\n"
    assert sorted((tmp_path / "log").read_text().split()) == ["err", "out"]
    many = run(tmp_path, f"head -c {3 * RESULT_LIMIT} /dev/zero; printf end", capture=True)
    assert len(many.stdout) == RESULT_LIMIT
    assert many.stdout.endswith(b"\0end")


def test_a_late_step_is_ended_with_all_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    finished = run(tmp_path, "sleep 60 & echo $! > pid; wait", seconds=0.3)
    assert (finished.code, finished.end_reason) == (143, "late")
    assert time.monotonic() - began < 40, "not the 60 s that it sleeps"
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_a_finished_step_left_running_is_killed(tmp_path: Path) -> None:
    assert run(tmp_path, "sleep 60 & echo $! > pid", capture=True).code == 0
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_killed_engine_takes_grandchildren_along(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys; from slipway_workflows.engine.machine.processes import Processes\n"
        "from slipway_workflows.engine.machine.groups import Groups\n"
        "from slipway_workflows.engine.machine.step_process import StepProgram\n"
        "from slipway_workflows.engine.machine.timings import Timings\n"
        "async def main():\n"
        "    d = pathlib.Path(sys.argv[1])\n"
        "    script = 'trap \"\" TERM HUP; sleep 60 & echo $! > pid; wait'\n"
        "    program = StepProgram(['/bin/sh', '-c', script], d, {})\n"
        "    await Processes(Timings(d), Groups(d)).run('a', program, d / 'log', False)\n"
        "asyncio.run(main())"
    )
    engine = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], start_new_session=True)
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = psutil.Process(engine.pid).children(recursive=True)
    os.killpg(engine.pid, signal.SIGKILL)
    engine.wait()
    while not all(gone(child.pid) for child in children):
        assert time.monotonic() < deadline, "a process outlived its engine"
        time.sleep(0.02)
    assert len(children) >= 3, "guardian, step, and what the step started"
