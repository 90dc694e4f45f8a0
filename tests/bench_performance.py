"""`make bench`: what the monitor and the optimizer promise, measured in one run; nothing is asserted.

python tests/bench_performance.py [PACKAGE]   PACKAGE: a packaged model to evaluate; without, one is trained
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perf.equal_sides import recommended

from slipway_steps.adapters.local.limits import Cgroup
from slipway_steps.adapters.local.process_meter import ProcessMeter
from slipway_steps.domain.knob import Knob
from slipway_steps.domain.performance import Category
from slipway_steps.optimize.judgement import LEAST_ROUNDS
from slipway_steps.optimize.optimizer import optimize, runs_of
from slipway_steps.release.evaluate import KNOBS
from slipway_steps.settings import PROJECT_ROOT

MIB = 2**20
HOLDING = """
import os, sys, time
held = bytearray(b"x") * (120 * 2**20)
for _ in range(4):
    if os.fork() == 0:
        mine = bytearray(b"y") * (20 * 2**20)
        break
print("ready", flush=True)
time.sleep(120)
"""
GROWING = """
import time
held = []
for _ in range(300):
    held.append(bytearray(b"x") * 2**20)
    time.sleep(0.01)
print("ready", flush=True)
del held
time.sleep(2)
print("ready", flush=True)
"""


def show(what: str, figure: str, wanted: str) -> None:
    print(f"{what:<46} {figure:>12}   wanted: {wanted}", flush=True)


@contextmanager
def program(code: str, group: Cgroup | None = None) -> Iterator["subprocess.Popen[str]"]:
    """A Python program in a process group, and in a control group, of its own."""
    command = [sys.executable, "-c", code]
    enter = group.enter if group else None
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=enter)  # noqa: PLW1509
    try:
        yield child
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def cost(seconds: int = 20) -> None:
    """The processor time of the meter, for five processes that share memory and hold 120 to 140 MiB each."""
    with program(HOLDING) as child:
        for _ in range(5):
            assert child.stdout is not None
            child.stdout.readline()
        meter = ProcessMeter(child.pid)
        began, used = time.monotonic(), time.process_time()
        for _ in range(seconds):
            meter.sample({"step": child.pid})
            time.sleep(1)
        share = (time.process_time() - used) / (time.monotonic() - began)
    show("monitor: of one core, 5 processes", f"{100 * share:.2f} %", "under 2 %")


def peaks() -> None:
    """The peak that the meter finds with a sample each second, and that of the kernel's control group."""
    try:
        group = Cgroup(f"slipway-bench-{os.getpid()}", 1024 * MIB, 4000)
    except OSError:
        show("monitor: peak against the control group", "not run", "within 5 % (no control group can be made)")
        return
    try:
        with program(GROWING, group) as child:
            meter, found, kernel = ProcessMeter(child.pid), 0, 0
            while (sample := meter.sample()) is not None:
                found = max(found, sample.total.peak)
                kernel = max(kernel, _kernel_peak(group))
                time.sleep(1)
    finally:
        group.close()
    show("monitor: peak", f"{found / MIB:.0f} MiB", f"{kernel / MIB:.0f} MiB, the control group's")
    show("monitor: peak against the control group's", f"{100 * (found / kernel - 1):+.1f} %", "within 5 %")


def _kernel_peak(group: Cgroup) -> int:
    """The largest memory that the kernel counted for a control group."""
    name = "memory.max_usage_in_bytes" if group.version == 1 else "memory.peak"
    return int((group.paths["memory"] / name).read_text())


def equal_sides() -> None:
    """The same value twice, 200 times, drawn from recorded pairs of runs of the evaluation."""
    for category in (Category.MEMORY, Category.CPU):
        share = recommended(Knob("same", category, "SAME", "", ()), tries=200) / 200
        show(f"optimizer: same value twice, {category}", f"{100 * share:.1f} %", "recommended in at most 5 %")


def evaluation(package: Path) -> None:
    """What the optimizer measures on the real step `evaluate`, if its batch were still 128."""
    knobs = [knob for knob in KNOBS if not knob.name.endswith("limit")]
    found = optimize("evaluate", knobs, runs_of("evaluate", str(package)), {"batch": "128"}, LEAST_ROUNDS)
    for line in found.lines:
        print(f"  {line}", flush=True)
    gains = [
        1 - one.estimated_improvement.estimate
        for one in found.recommendations
        if one.estimated_improvement and one.category is Category.MEMORY
    ]
    show("optimizer: memory of evaluate, best change", f"{-100 * max(gains, default=0):+.0f} %", "-20 to -30 % or more")


def main() -> None:
    """Print every figure."""
    cost()
    peaks()
    equal_sides()
    with tempfile.TemporaryDirectory() as directory:
        package = Path(sys.argv[1]) if sys.argv[1:] else Path(directory) / "package"
        if not sys.argv[1:]:
            command = [sys.executable, str(PROJECT_ROOT / "images" / "train" / "train.py"), f"--output={package}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        evaluation(package)


if __name__ == "__main__":
    main()
