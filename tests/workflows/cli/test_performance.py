"""`slipway monitor-performance`, as people type it, on real runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slipway_workflows.cli import main
from slipway_workflows.engine import stored_runs

SLIPWAY = [str(Path(sys.executable).parent / "slipway")]
HOLD = "import time\nheld = bytearray(b'x') * (150 * 2**20)\ntime.sleep({seconds})"
BURN = "import time\nwhile time.process_time() < 1.2: pass"


def python(name: str, code: str, **resources: Any) -> dict[str, Any]:
    container = {"image": "python:3", "command": [sys.executable, "-c"], "args": [code], "resources": resources}
    return {"name": name, "container": container}


@contextmanager
def running(home: Path, groups: list[list[str]], *templates: dict[str, Any], **spec: Any) -> Iterator[str]:
    """A workflow that runs in a process of its own; yields its name once its first step runs."""
    steps = [[{"name": name, "template": name} for name in group] for group in groups]
    spec = {"entrypoint": "main", "templates": [{"name": "main", "steps": steps}, *templates], **spec}
    file = home / "wf.yaml"
    file.write_text(json.dumps({"kind": "Workflow", "metadata": {"name": "wf"}, "spec": spec}))
    command = [*SLIPWAY, "--home", str(home), "run", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            deadline = time.monotonic() + 60
            while not (home / "runs" / "wf" / "groups.json").exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield "wf"
        finally:
            run.terminate()
            run.wait(30)


def told(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*SLIPWAY, "--home", str(home), "monitor-performance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_it_measures_each_step_to_the_end_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold = python("hold", HOLD.format(seconds=3), limits={"memory": "180Mi"})
    with running(tmp_path, [["hold"], ["burn"]], hold, python("burn", BURN)):
        done = told(tmp_path, "--output", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["finished"]
    hold_, burn = found["steps"]
    assert (hold_["subject"], burn["subject"]) == ("hold", "burn")
    assert 150 * 2**20 < hold_["peak"] < 175 * 2**20
    assert hold_["memory_limit"] == 180 * 2**20
    assert 2.0 < hold_["seconds"] < 4.5
    assert burn["cpu"] > 0.1
    assert found["run"]["peak"] > hold_["peak"]
    assert found["run"]["cpu"] > 0.2  # what came after the last sample is not in it
    # afterwards it tells in one line what was stored
    assert main(["--home", str(tmp_path), "monitor-performance"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("wf: Succeeded in ")
    assert ", 2 steps; " in line
    assert "cores, peak " in line


def test_the_text_has_a_line_for_each_step_and_what_follows(tmp_path: Path) -> None:
    with running(tmp_path, [["hold"]], python("hold", HOLD.format(seconds=3), limits={"memory": "180Mi"})):
        done = told(tmp_path, "@latest")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("wf: ")
    assert lines[1].split() == ["step", "seconds", "cores", "peak", "limit", "read", "written"]
    assert lines[2].split()[0] == "hold"
    assert lines[3].startswith("memory       high      hold: peak 1")
    assert len(lines) == 4


WRITE = """
import os, time
time.sleep(2.5)
with open("big", "wb") as file:
    file.write(b"x" * (50 * 2**20))
    os.fsync(file.fileno())
"""


def test_what_a_step_does_in_its_last_moment_counts(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    child = f"import subprocess, sys, time\ntime.sleep(1.5)\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    write = python("write", WRITE)
    with running(tmp_path, [["write", "burn"], ["short"]], write, python("burn", child), python("short", burn)):
        found = json.loads(told(tmp_path, "--output", "json").stdout)
    steps = {step["subject"]: step for step in found["steps"]}
    assert steps["write"]["written"] >= 50 * 2**20
    assert steps["burn"]["cpu"] > 0.2
    for counter in ("cpu", "read", "written"):
        assert found["run"][counter] >= sum(step[counter] for step in found["steps"]) - 1e-6
    assert found["run"]["written"] >= 50 * 2**20


def test_steps_that_wait_for_parallelism_while_a_core_is_idle(tmp_path: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores, of which one is idle")
    both = [python(name, "import time; time.sleep(2.5)") for name in ("a", "b")]
    with running(tmp_path, [["a", "b"]], *both, parallelism=1):
        found = json.loads(told(tmp_path, "--output", "json").stdout)
    assert found["run"]["concurrency"] == 1
    if found["run"]["idle"]:  # on a machine that others keep busy there is no idle core
        assert found["run"]["queued"] > 0.1


def test_it_ends_after_its_duration_and_the_run_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, [["hold"]], python("hold", HOLD.format(seconds=30))):
        began = time.monotonic()
        found = json.loads(told(tmp_path, "--duration", "1.5", "--output", "json").stdout)
        assert 1.5 < time.monotonic() - began < 15
        assert not found["finished"]
        assert found["steps"][0]["peak"] > 150 * 2**20
        (run,) = stored_runs(tmp_path)
        assert run.alive


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    with running(tmp_path, [["hold"]], python("hold", HOLD.format(seconds=30))):
        command = [*SLIPWAY, "--home", str(tmp_path), "monitor-performance"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as monitor:
            time.sleep(4)
            monitor.send_signal(signal.SIGINT)
            out, err = monitor.communicate(timeout=30)
        assert (monitor.returncode, err) == (0, "interrupted; this was measured:\n")
        assert out.splitlines()[2].startswith("hold ")
        assert (tmp_path / "runs" / "wf" / "performance.json").exists()


@pytest.mark.parametrize(("name", "said"), [("@latest", "there is no workflow yet"), ("other", "no workflow other")])
def test_a_run_that_is_not_there(tmp_path: Path, name: str, said: str) -> None:
    done = told(tmp_path, name)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_was_not_measured_is_one_line(tmp_path: Path) -> None:
    with running(tmp_path, [["a"]], python("a", "import time; time.sleep(1)")):
        (directory,) = (tmp_path / "runs").iterdir()
        deadline = time.monotonic() + 30
        while (directory / "groups.json").exists() or '"finishedAt"' not in (directory / "workflow.json").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
    done = told(tmp_path)
    assert done.stdout.startswith("wf: Succeeded in ")
    assert done.stdout.endswith(", 1 steps; not measured: start this while it runs\n")
