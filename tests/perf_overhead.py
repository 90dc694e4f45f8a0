"""What the driver of performance tests and its collectors cost, against a loop of `slipway run`.

The two take turns run by run, so that both see the same machine.
"""

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from slipway_steps.adapters.targets.local_engine import LocalEngineTarget
from slipway_steps.adapters.targets.local_run import PROGRAM
from slipway_steps.domain.perf_metrics import CPU, END_TO_END
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.settings import PROJECT_ROOT, Settings

PIPELINE = PROJECT_ROOT / "workflows" / "perf" / "scenarios" / "training_pipeline.yaml"


class Overhead(NamedTuple):
    """end_to_end: by which share the median run of the target is longer than that of the loop. cpu: CPU time of this
    program during a run, as share of that of the run. seconds, loop_seconds: median of a run.
    """

    end_to_end: float
    cpu: float
    seconds: float
    loop_seconds: float


def driver_overhead(runs: int = 20, pipeline: Path = PIPELINE) -> Overhead:
    """Measure it by so many runs of each."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(home=Path(directory) / "home")
        target, session = LocalEngineTarget(settings), f"perf-overhead-{os.getpid()}"
        scenario = PerfScenario.model_validate({"mode": "PIPELINE_RUN", "pipelineFileName": pipeline.name})
        target.prepare(session, scenario, pipeline)
        try:
            found = [_pair(target, pipeline, Path(directory), number) for number in range(runs + 1)][1:]
        finally:
            target.remove(session)
    ours, loop, cpu = ([one[index] for one in found] for index in range(3))
    return Overhead(median(ours) / median(loop) - 1, median(cpu), median(ours), median(loop))


def _pair(target: LocalEngineTarget, pipeline: Path, directory: Path, number: int) -> tuple[float, float, float]:
    """Seconds of a run of the target, of one of the loop, and our own CPU time in the first by that of the run."""
    seconds = 0.0
    for first in (number % 2 == 0, number % 2 == 1):
        if first:
            before = _own_cpu()
            run = target.submit({})
            target.wait(run, time.time() + 600)
            sample = target.read(run)
            cpu = _own_cpu() - before
        else:
            seconds = _loop_run(pipeline, directory / f"loop-{number}")
    return sample.metrics[END_TO_END], seconds, cpu / sample.metrics[CPU]


def _loop_run(pipeline: Path, home: Path) -> float:
    argv = [*PROGRAM, "--home", str(home), "run", str(pipeline), "--output", "json"]
    began = time.monotonic()
    with (home.parent / "loop.txt").open("wb") as output:
        subprocess.run(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    found = driver_overhead()
    print(f"driver: end to end {found.end_to_end:+.1%} ({found.seconds:.2f} s, loop {found.loop_seconds:.2f} s)")
    print(f"driver: own CPU {found.cpu:.1%} of that of the runs")
