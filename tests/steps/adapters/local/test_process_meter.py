"""Process trees of known sizes, measured. The processes are real."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway_steps.adapters.local.process_meter import ProcessMeter, Sample

MIB = 2**20
FORKS = """
import os, sys, time
held = bytearray(os.urandom(1)) * (100 * 2**20)
for _ in range(4):
    if os.fork() == 0:
        break
print("ready", flush=True)
time.sleep(60)
"""
BURST = """
import sys, time
print("ready", flush=True)
sys.stdin.readline()
held = bytearray(b"x") * (150 * 2**20)
del held
print("done", flush=True)
time.sleep(60)
"""

RUN, THEN_WAIT = "import subprocess, sys, time\nsubprocess.run(", ")\nprint(flush=True)\ntime.sleep(60)"


@contextmanager
def program(code: str, lines: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has printed so many lines."""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert child.stdout is not None
        for _ in range(lines):
            child.stdout.readline()
        yield child
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def sampled(meter: ProcessMeter, **groups: int) -> Sample:
    found = meter.sample(groups)
    assert found is not None
    return found


def test_memory_that_forks_share_counts_once() -> None:
    with program(FORKS, 5) as child:
        total = sampled(ProcessMeter(child.pid)).total
    assert total.processes == 5
    assert 100 * MIB < total.memory < 150 * MIB


def test_a_peak_between_two_samples_is_seen() -> None:
    with program(BURST) as child:
        meter = ProcessMeter(child.pid)
        before = sampled(meter).total
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        after = sampled(meter).total
    assert after.memory < before.memory + 20 * MIB
    assert after.peak > before.memory + 145 * MIB


def test_growth_is_seen_though_pss_is_read_seldom() -> None:
    code = (
        "import time\nheld = []\nfor _ in range(60):\n    held.append(bytearray(b'x') * 2**22)\n    print(flush=True)"
    )
    with program(f"{code}\ntime.sleep(60)") as child:
        meter = ProcessMeter(child.pid, share=1e-9)
        assert child.stdout is not None
        for _ in range(59):
            sampled(meter)
            child.stdout.readline()
        assert sampled(meter).total.peak > 225 * MIB


def test_the_processor_time_of_ended_children_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.4: pass"
    with program(f"{RUN}[sys.executable, '-c', {burn!r}]{THEN_WAIT}") as child:
        assert sampled(ProcessMeter(child.pid)).total.cpu >= 0.38


def test_bytes_that_a_child_wrote_count_for_its_parent(tmp_path: Path) -> None:
    write = "import os\nwith open('big', 'wb') as file:\n    file.write(b'x' * 2**23)\n    os.fsync(file.fileno())"
    with program(f"{RUN}[sys.executable, '-c', {write!r}], cwd={str(tmp_path)!r}{THEN_WAIT}") as child:
        assert sampled(ProcessMeter(child.pid)).total.written >= 2**23


def test_a_group_has_its_own_usage_also_of_what_left_it_or_lost_its_parent() -> None:
    script = "setsid sleep 61 & echo $!; (sleep 62 & echo $!); echo $$; sleep 63"
    code = (
        f"import subprocess, time\nsubprocess.Popen(['sh', '-c', {script!r}], start_new_session=True)\ntime.sleep(60)"
    )
    with program(code, 0) as child:
        assert child.stdout is not None
        left, orphan, group = (int(child.stdout.readline()) for _ in range(3))
        try:
            time.sleep(0.2)  # until the last one sleeps, and the others have left
            found = sampled(ProcessMeter(child.pid), step=group, gone=2**22 - 1)
        finally:
            os.kill(left, signal.SIGKILL)
            os.killpg(group, signal.SIGKILL)
    assert orphan != left
    assert set(found.groups) == {"step"}
    assert found.groups["step"].processes == 4  # the shell, and three that sleep
    assert found.total.processes == 5


BURN = "import time\nwhile time.process_time() < 0.5: pass"
WRITE = "import os\nwith open('big', 'wb') as file:\n    file.write(b'x' * 2**23)\n    os.fsync(file.fileno())"


@pytest.mark.parametrize("keeps", ["", "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"])
def test_what_has_ended_counts_on_reaped_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps: str) -> None:
    """First a child that nobody waits for, a zombie; then one that the kernel throws away, whose time is nobody's."""
    code = f"""
import signal, subprocess, sys, time
{keeps}
child = subprocess.Popen([sys.executable, "-c", sys.stdin.readline().encode().decode("unicode_escape")])
print(child.pid, flush=True)
sys.stdin.readline()
time.sleep(60)
"""
    child_code = f"import time\n{WRITE}\n{BURN}\nopen('done', 'w').close()\ntime.sleep(60)"
    monkeypatch.chdir(tmp_path)
    with program(code, 0) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(child_code.encode("unicode_escape").decode() + "\n")
        child.stdin.flush()
        pid = int(child.stdout.readline())
        meter = ProcessMeter(child.pid)
        deadline = time.monotonic() + 20
        while not (tmp_path / "done").exists():
            sampled(meter, step=child.pid)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        seen = sampled(meter, step=child.pid)
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        for _ in range(3):  # a second process may not hide what is lost
            after = sampled(meter, step=child.pid)
            for before, now in ((seen.total, after.total), (seen.groups["step"], after.groups["step"])):
                assert now.cpu >= before.cpu >= 0.45
                assert now.written >= before.written >= 2**23
                assert now.cpu < before.cpu + 0.3, "nothing counts twice"
                assert now.written < before.written + 2**22
    assert after.total.processes == 1


def test_a_child_that_is_waited_for_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    burn = f"{BURN}\n{WRITE}\nopen('done', 'w').close()\ntime.sleep(0.5)"
    with program(f"{RUN}[sys.executable, '-c', {burn!r}]{THEN_WAIT}", 0) as child:
        meter = ProcessMeter(child.pid)
        deadline = time.monotonic() + 20
        while not (tmp_path / "done").exists():
            sampled(meter, step=child.pid)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        sampled(meter, step=child.pid)
        assert child.stdout is not None
        child.stdout.readline()
        found = sampled(meter, step=child.pid)
    assert found.groups["step"] == found.total
    assert 0.45 <= found.total.cpu < 0.9
    assert 2**23 <= found.total.written < 1.5 * 2**23


def test_a_group_keeps_what_its_first_process_had_used_when_that_is_gone() -> None:
    inner = f"""
import os, sys
{BURN}
if os.fork() == 0:
    time.sleep(60)
print(flush=True)
sys.stdin.readline()
"""
    code = f"""
import subprocess, sys, time
step = subprocess.Popen([sys.executable, "-c", {inner!r}], start_new_session=True)
print(step.pid, flush=True)
step.wait()
print(flush=True)
time.sleep(60)
"""
    with program(code, 0) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        group = int(child.stdout.readline())
        child.stdout.readline()
        time.sleep(0.2)
        meter = ProcessMeter(child.pid)
        before = sampled(meter, step=group)
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        try:
            after = sampled(meter, step=group)
        finally:
            os.killpg(group, signal.SIGKILL)
    assert before.groups["step"].cpu >= 0.45
    assert after.groups["step"].cpu >= before.groups["step"].cpu
    assert after.groups["step"].processes == 1
    assert before.total.cpu <= after.total.cpu < before.total.cpu + 0.4


def test_a_process_that_has_ended_is_not_measured() -> None:
    with program("print(flush=True)\nimport time; time.sleep(60)") as child:
        meter = ProcessMeter(child.pid)
        sampled(meter)
        child.kill()
        deadline = time.monotonic() + 10
        while meter.sample() is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("pid", [2**22 - 1])
def test_a_process_that_never_was(pid: int) -> None:
    assert ProcessMeter(pid).sample() is None
