import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from slipway_steps.adapters.local.bounded_run import Bounds, run_bounded
from slipway_steps.domain.errors import PlatformError

MIB = 2**20


def bounds(directory: Path, program: str, seconds: float = 20, memory: int = 2**30, **more: object) -> Bounds:
    command = [sys.executable, "-c", program]
    return Bounds(command, str(directory / "out"), str(directory / "err"), seconds, memory, **more)  # type: ignore[arg-type]


def living(mark: str) -> list[psutil.Process]:
    """The processes with that text on their command line, zombies aside."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return [one for one in found if one.pid != os.getpid()]


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
inner = "import os,signal,time; os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99) #{mark}"
# its parent ends at once, so it is an orphan in a session of its own
subprocess.run([sys.executable, "-c",
                "import subprocess,sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]])", inner])
time.sleep({seconds}) #{mark}
"""


def test_a_program_that_ends_by_itself(tmp_path: Path) -> None:
    done = run_bounded(bounds(tmp_path, "import sys; print('hello'); x = bytearray(80 * 2**20); sys.exit(3)"))
    assert (done.code, done.ended_by, done.left, done.alive) == (3, "", [], [])
    assert (tmp_path / "out").read_text() == "hello\n"


def test_the_environment_is_the_one_that_is_given(tmp_path: Path) -> None:
    program = "import os; print(os.environ.get('COLOUR'), 'HOME' in os.environ)"
    run_bounded(bounds(tmp_path, program), {"COLOUR": "blue", "PATH": os.environ["PATH"]})
    assert (tmp_path / "out").read_text() == "blue False\n"


def test_after_the_timeout_nothing_lives_neither_what_ignores_sigterm_nor_an_orphan(tmp_path: Path) -> None:
    for number in range(20):
        mark = f"stubborn-{os.getpid()}-{number}"
        begin = time.monotonic()
        done = run_bounded(bounds(tmp_path, STUBBORN.format(mark=mark, seconds=99), seconds=0.4))
        assert time.monotonic() - begin < 0.4 + 2 + 1, "the runner's own start is allowed a second on a busy machine"
        assert (done.ended_by, done.alive) == ("timeout", [])
        assert done.late < 2
        assert not living(mark)


def test_an_orphan_that_outlives_the_program_is_ended_and_told(tmp_path: Path) -> None:
    mark = f"orphan-{os.getpid()}"
    done = run_bounded(bounds(tmp_path, STUBBORN.format(mark=mark, seconds=0)))
    assert (done.code, done.ended_by) == (0, "")
    assert len(done.left) == 1
    assert mark in done.left[0]
    assert not living(mark)


GREEDY = """
import subprocess, sys
inner = '''
import subprocess, sys, time
kept = []
while True:
    kept.append(bytearray(16 * 2**20))
    print(len(kept) * 16, time.time(), flush=True)
    time.sleep(0.05)
'''
child = "import subprocess,sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
subprocess.run([sys.executable, "-c", child, inner])
"""


def test_memory_above_the_limit_in_a_grandchild_ends_all_within_a_second(tmp_path: Path) -> None:
    done = run_bounded(bounds(tmp_path, GREEDY, memory=200 * MIB))
    assert done.ended_by == "memory"
    assert done.peak > 200 * MIB
    assert 0 < done.late < 1
    lines = [line.split() for line in (tmp_path / "out").read_text().splitlines()]
    # three interpreters and 150 MiB are less than the limit, so it was crossed later than that
    earliest = next(float(at) for mib, at in lines if float(mib) >= 150)
    assert float(lines[-1][1]) - earliest < 1
    assert done.peak < 200 * MIB + 320 * MIB, "it grows by at most 320 MiB in a second"


def test_shared_memory_counts_once(tmp_path: Path) -> None:
    program = """
import os, time
kept = bytearray(os.urandom(2**20)) * 100
for _ in range(4):
    if os.fork() == 0:
        time.sleep(1.5)
        os._exit(0)
for _ in range(4):
    os.wait()
"""
    done = run_bounded(bounds(tmp_path, program, memory=250 * MIB))
    assert (done.code, done.ended_by) == (0, "")
    assert 100 * MIB < done.peak < 160 * MIB


LIMITED = """
import subprocess, sys, time
from slipway_steps.adapters.local.limits import make_limits
limits = make_limits("{label}", 2**28, 1000)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"], preexec_fn=limits.enter)
print(limits.name, *limits.places, flush=True)
time.sleep(99)
"""


def test_the_control_groups_of_what_is_killed_are_removed(tmp_path: Path) -> None:
    label = f"slipway-bounded-{os.getpid()}"
    run_bounded(bounds(tmp_path, LIMITED.format(label=label), seconds=5))
    name, *places = (tmp_path / "out").read_text().split()
    if name != "cgroup":
        pytest.skip("this user may make no control group")
    assert places
    assert not [place for place in places if Path(place).exists()]


def test_it_is_cleaned_up_only_where_there_is_something(tmp_path: Path) -> None:
    seen = tmp_path / "cleaned"
    clean = [sys.executable, "-c", f"open({str(seen)!r}, 'w')"]
    run_bounded(bounds(tmp_path, "", clean_up=clean, clean_up_if=str(tmp_path / "none")))
    assert not seen.exists()
    run_bounded(bounds(tmp_path, "", clean_up=clean, clean_up_if=str(tmp_path)))
    assert seen.exists()


def test_when_the_caller_is_killed_all_of_it_ends(tmp_path: Path) -> None:
    mark = f"caller-{os.getpid()}"
    given = json.dumps(asdict(bounds(tmp_path, STUBBORN.format(mark=mark, seconds=99))))
    code = (
        "import json,sys; from slipway_steps.adapters.local.bounded_run import *; "
        "run_bounded(Bounds(**json.loads(sys.argv[1])))"
    )
    caller = subprocess.Popen([sys.executable, "-c", code, given])
    deadline = time.monotonic() + 20
    while len([one for one in living(mark) if one.pid != caller.pid]) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    while living(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not living(mark)


def test_a_program_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="nothing-of-this-name"):
        run_bounded(Bounds(["nothing-of-this-name"], str(tmp_path / "o"), str(tmp_path / "e"), 1, 2**30))
