"""Steps forked from a process with their imports done: as good as new ones, and started as new ones where it fails."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from slipway_workflows.engine.machine import forks
from slipway_workflows.engine.machine.groups import Groups
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.machine.step_process import Finished, StepProgram
from slipway_workflows.engine.machine.timings import Timings
from slipway_workflows.engine.manifests.images import OUR_PRELOAD, OUR_STEPS

PROGRAM = """
import json, os, sys, tempfile, threading
exec(sys.argv[2]) if len(sys.argv) > 2 else None
print(json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "parent": os.getppid(),
    "group": os.getpgid(0) == os.getpid(), "early": "slow_imports" in sys.modules, "temporary": tempfile.gettempdir(),
    "name": __name__, "stdin": sys.stdin.read(), "files": sorted(map(int, os.listdir("/proc/self/fd")))[:-1]}))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "slow_imports.py").write_text("import json, tempfile; tempfile.gettempdir()")
    (modules / "broken_imports.py").write_text("raise ImportError")
    (modules / "threaded_imports.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(5,), daemon=True).start()"
    )
    (modules / "program.py").write_text(PROGRAM)
    return {"PATH": os.defpath, "PYTHONPATH": str(modules), "PYTHONUNBUFFERED": "1"}


Step = Callable[..., Awaitable[Finished]]


def steps(tmp_path: Path, environment: dict[str, str], do: Callable[[Processes, Step], Awaitable[None]]) -> None:
    async def once() -> None:
        processes = Processes(Timings(tmp_path), Groups(tmp_path))

        async def step(name: str, *code: str, preload: str = "slow_imports", seconds: float | None = None) -> Finished:
            directory = tmp_path / name
            directory.mkdir()
            given = {**environment, "STEP": name, "TMPDIR": str(directory)}
            argv = [sys.executable, "-m", "program", name, *code]
            log = tmp_path / f"{name}.log"
            program = StepProgram(argv, directory, given, preload=preload)
            return await processes.run(name, program, log, True, seconds, "late")

        try:
            await do(processes, step)
        finally:
            processes.close()

    asyncio.run(once())


def server(processes: Processes) -> int:
    assert processes._forks is not None
    return processes._forks.pid


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < deadline, "it still runs"
        await asyncio.sleep(0.02)


def test_a_forked_step_is_like_a_new_process(tmp_path: Path, environment: dict[str, str]) -> None:
    async def do(processes: Processes, step: Step) -> None:
        for name, done in zip("abc", await asyncio.gather(*map(step, "abc")), strict=True):
            told = json.loads(done.stdout)
            assert done.code == 0
            assert told["argv"] == [name]
            assert told["name"] == "__main__"
            assert told["cwd"] == told["temporary"] == told["env"]["TMPDIR"] == str(tmp_path / name)
            assert told["env"]["STEP"] == name
            assert told["env"].keys() <= {*environment, "STEP", "TMPDIR", "LC_CTYPE"}
            assert (told["early"], told["parent"]) == (True, server(processes))
            assert (told["group"], told["stdin"], told["files"]) == (True, "", [0, 1, 2])
            assert json.loads((tmp_path / f"{name}.log").read_text()) == told

    steps(tmp_path, environment, do)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [("sys.exit(3)", 3), ("os._exit(75)", 75), ("sys.exit('no')", 1), ("1 / 0", 1), ("os.kill(os.getpid(), 9)", 1)],
)
def test_exit_codes_are_those_of_a_new_process(
    tmp_path: Path, environment: dict[str, str], code: str, wanted: int
) -> None:
    async def do(processes: Processes, step: Step) -> None:
        assert (await step("a", code)).code == wanted
        assert ("ZeroDivisionError" in (tmp_path / "a.log").read_text()) == (code == "1 / 0")
        assert not processes._forks.lost

    steps(tmp_path, environment, do)


LEAVES = "import subprocess; open('pid', 'w').write(str(subprocess.Popen(['sleep', '60']).pid))"


def test_a_late_step_and_a_finished_one_take_along_what_they_started(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    async def do(processes: Processes, step: Step) -> None:
        late = await step("late", f"{LEAVES}; import time; time.sleep(60)", seconds=3)
        assert (late.code, late.end_reason) == (143, "late")
        assert (await step("quick", LEAVES)).code == 0
        for name in ("late", "quick"):
            await until_gone(int((tmp_path / name / "pid").read_text()))

    steps(tmp_path, environment, do)


@pytest.mark.parametrize("preload", ["broken_imports", "threaded_imports", "no_such_module"])
def test_where_nothing_can_be_forked_steps_start_as_ever(
    tmp_path: Path, environment: dict[str, str], preload: str
) -> None:
    async def do(processes: Processes, step: Step) -> None:
        for name in "ab":
            told = json.loads((await step(name, preload=preload)).stdout)
            assert told["parent"] == os.getpid()

    steps(tmp_path, environment, do)


def test_variables_that_python_reads_at_its_start_hold(tmp_path: Path, environment: dict[str, str]) -> None:
    async def do(processes: Processes, step: Step) -> None:
        assert json.loads((await step("a")).stdout)["parent"] == server(processes)
        environment["PYTHONHASHSEED"] = "1"
        assert json.loads((await step("b")).stdout)["parent"] == os.getpid()

    steps(tmp_path, environment, do)


def test_a_killed_server_ends_its_steps_and_the_next_start_as_ever(tmp_path: Path, environment: dict[str, str]) -> None:
    async def do(processes: Processes, step: Step) -> None:
        running = asyncio.create_task(step("a", f"{LEAVES}; import time; time.sleep(60)"))
        while not (tmp_path / "a" / "pid").exists() or not (tmp_path / "a" / "pid").read_text():
            await asyncio.sleep(0.02)
        os.kill(server(processes), signal.SIGKILL)
        assert (await asyncio.wait_for(running, 10)).code == 1
        await until_gone(int((tmp_path / "a" / "pid").read_text()))
        assert json.loads((await step("b")).stdout)["parent"] == os.getpid()

    steps(tmp_path, environment, do)


def test_a_step_that_is_ended_before_it_began(tmp_path: Path, environment: dict[str, str]) -> None:
    async def do(processes: Processes, step: Step) -> None:
        running = asyncio.create_task(step("a", "import time; time.sleep(60)"))
        await asyncio.sleep(0)
        processes.end_all("stopped")
        assert await asyncio.wait_for(running, 20) == Finished(143, b"", "stopped")

    steps(tmp_path, environment, do)


def test_a_step_that_is_cancelled_before_it_began(tmp_path: Path, environment: dict[str, str]) -> None:
    async def do(processes: Processes, step: Step) -> None:
        running = asyncio.create_task(step("a", "import time; time.sleep(60)"))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await step("b")).code == 0
        while psutil.Process(server(processes)).children():
            await asyncio.sleep(0.02)

    steps(tmp_path, environment, do)


def test_an_idle_server_ends_and_the_next_step_gets_another(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "IDLE_SECONDS", 0.1)

    async def do(processes: Processes, step: Step) -> None:
        await step("a")
        first = server(processes)
        await until_gone(first)
        told = json.loads((await step("b")).stdout)
        assert told["parent"] == server(processes) != first

    steps(tmp_path, environment, do)


def test_a_killed_engine_takes_server_and_steps_along(tmp_path: Path, environment: dict[str, str]) -> None:
    code = (
        "import asyncio, os, pathlib, sys; from slipway_workflows.engine.machine.processes import Processes\n"
        "from slipway_workflows.engine.machine.groups import Groups\n"
        "from slipway_workflows.engine.machine.step_process import StepProgram\n"
        "from slipway_workflows.engine.machine.timings import Timings\n"
        "async def main():\n"
        "    d = pathlib.Path(sys.argv[1])\n"
        "    argv = [sys.executable, '-m', 'program', 'a', sys.argv[2]]\n"
        "    environment = {'PATH': os.defpath, 'PYTHONPATH': sys.argv[3]}\n"
        "    run = Processes(Timings(d), Groups(d)).run\n"
        "    await run('a', StepProgram(argv, d, environment, preload='slow_imports'), d / 'log', False)\n"
        "asyncio.run(main())"
    )
    stubborn = f"import signal, time; signal.signal(15, signal.SIG_IGN); {LEAVES}; time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path), stubborn, environment["PYTHONPATH"]]
    engine = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = psutil.Process(engine.pid).children(recursive=True)
    os.killpg(engine.pid, signal.SIGKILL)
    engine.wait()
    while not all(gone(child.pid) for child in children):
        assert time.monotonic() < deadline, "a process outlived its engine"
        time.sleep(0.02)
    assert len(children) >= 4, "guardian, server, step, and what the step started"


def test_the_project_s_own_steps_can_be_forked(tmp_path: Path, environment: dict[str, str]) -> None:
    async def do(processes: Processes, _: Step) -> None:
        argv = [sys.executable, *OUR_STEPS, "no-such-step"]
        given = {"PATH": os.defpath, "LANG": "C.UTF-8"}
        program = StepProgram(argv, tmp_path, given, preload=OUR_PRELOAD)
        done = await processes.run("a", program, tmp_path / "log", False)
        assert done.code == 1
        assert (tmp_path / "log").read_text().startswith("error: unknown step 'no-such-step'")
        assert processes._forks is not None
        assert not processes._forks.lost, "its imports failed, or one of them started a thread"

    steps(tmp_path, environment, do)
