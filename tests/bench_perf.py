"""`make bench`: what performance tests promise, measured in one run; nothing is asserted.

The rule of comparisons is replayed 1,000 times on recorded noise. `--live N` makes N whole comparisons of equal sides.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from perf.recorded_pairs import recorded_log_ratios, recorded_pool, recorded_runs
from perf_overhead import driver_overhead
from steps.perf.sessions import session

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.baseline import judged_against_baseline
from slipway_steps.perf.calibration import percent, replay
from slipway_steps.perf.history import P, split
from slipway_steps.settings import PROJECT_ROOT

SCENARIOS = PROJECT_ROOT / "workflows" / "perf" / "scenarios"
LIMITS = {"cpu": 1.05, "end-to-end": 1.10}
RECORDED = {"cpu": "cpu", "end-to-end": "e2e"}
FACTORS = (1.0, 1.05, 1.10, 1.15, 1.20)
PIPELINE = """\
kind: Workflow
metadata: {generateName: live-}
spec:
  entrypoint: work
  templates:
    - name: work
      container: {image: "busybox:1", command: [sh, -c], args: ["sleep 0.05"]}
"""


def show(what: str, figure: str, wanted: str) -> None:
    print(f"{what:<46} {figure:>12}   wanted: {wanted}", flush=True)


def replays() -> None:
    """The table of verdicts, then the figures that are promised."""
    found = {}
    print(f"{'reject / pass in % (pairs), 1,000 replays':<42}" + "".join(f"{f'×{one:.2f}':>18}" for one in FACTORS))
    for metric, limit in LIMITS.items():
        logs = recorded_log_ratios(RECORDED[metric])
        both = [*logs, *(-one for one in logs)]  # each pair in both orders, as its sides are equal
        row = f"{metric}, limit ×{limit:.2f}"
        for factor in FACTORS:
            one = replay({metric: [log + math.log(factor) for log in both]}, {metric: limit}, flip=False)
            found[metric, factor] = one
            row = f"{row:<42}" if factor == 1.0 else row
            row += f"{f'{100 * one.rejected:.1f} / {100 * one.passed:.1f} ({one.pairs:.0f})':>18}"
        print(row, flush=True)
    alarms = max(found[metric, 1.0].rejected for metric in LIMITS)
    show("replayed: false alarms", percent(alarms), "at most 1 %")
    show("replayed: cpu found at +10 %", percent(found["cpu", 1.10].rejected), "at least 95 %")
    show("replayed: end to end found at +20 %", percent(found["end-to-end", 1.20].rejected), "at least 90 %")
    logs = {metric: recorded_log_ratios(RECORDED[metric]) for metric in LIMITS}
    together = replay(logs, LIMITS, flip=True)
    show("replayed: false alarms, both metrics together", percent(together.rejected), "at most 1 %")


def splits() -> None:
    """Sudden changes that are seen in recorded noise, in random order and in the order of time."""
    import random

    pool, chance = recorded_pool(), random.Random(1)
    number = 1000
    independent = sum(split(chance.sample(pool, 30), seed).p < P for seed in range(number)) / number
    show("false splits, independent noise", percent(independent), "about 1.4 %")
    starts = [chance.randrange(len(pool) - 30) for _ in range(number)]
    row = sum(split(pool[start : start + 30], start).p < P for start in starts) / number
    show("false splits, noise in the order of time", percent(row), "a hint, never a gate")


def baselines() -> None:
    """Two sessions of ten runs against a baseline of five sessions before them, all of the same pipeline, anywhere in
    the recorded noise in the order of time.
    """
    import random

    runs, chance, number = recorded_runs(), random.Random(1), 1000
    for factor in (1.0, 2.0, 3.0):
        said: Counter[Verdict] = Counter()
        for _ in range(number):
            begin = chance.randrange(len(runs) - 70)
            later = chance.randrange(begin + 50, len(runs) - 20 + 1)
            starts = [*range(begin, begin + 50, 10), later, later + 10]
            factors = [1.0] * 5 + [factor] * 2
            *before, last, now = (
                recorded_session(place, runs[start : start + 10], slower)
                for place, (start, slower) in enumerate(zip(starts, factors, strict=True))
            )
            said[judged_against_baseline(now, before, [last])[0].verdict] += 1
        figure = " / ".join(percent(said[one] / number) for one in (Verdict.REJECT, Verdict.INCONCLUSIVE))
        show(f"baseline: rejected / inconclusive at ×{factor:.2f}", figure, "at most 1 % at ×1.00")


def recorded_session(place: int, runs: Sequence[Mapping[str, float]], slower: float) -> PerfSession:
    """A session of recorded runs, each as much slower as told. place: in the order of time."""
    made = session(place, 1.0, runs=len(runs))
    samples = [
        one.model_copy(update={"metrics": {"end-to-end": slower * run["e2e"]}, "yardstick": run["yard"]})
        for one, run in zip(made.runs, runs, strict=True)
    ]
    return made.model_copy(update={"runs": samples})


def slipway(home: Path, *arguments: str) -> str:
    program = str(Path(sys.executable).parent / "slipway")
    command = [program, "--home", str(home), "perf", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def example(directory: Path) -> None:
    """The example of Kubeflow's proposal, from its JSON to what people read."""
    began = time.perf_counter()
    out = slipway(directory / "example", "run", str(SCENARIOS / "training.json"))
    seconds = time.perf_counter() - began
    show("the proposal's example, JSON to report", f"{seconds:.0f} s", "at most 60 s on 2 cores")
    print("\n".join(f"  {line}" for line in out.splitlines()[:3]))


def stalled(directory: Path) -> None:
    """A server that answers nobody for one second in ten, asked 40 times a second. A loop that waits for each answer
    before it asks again would hardly see it.
    """
    from steps.perf import test_modes as modes
    from steps.perf.test_driver import session as measured

    modes.STALL_EVERY = 10.0
    server = modes.Stalling(1.0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        target = modes.HttpTarget(modes.url(server))
        found = measured(directory, target, mode="RANDOM_GETS", numTimes=800, requestsPerSecond=40)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    p99 = percentile([one.seconds for one in found.requests], 99)
    show("p99 of a server that stalls 1 s in 10", f"{p99:.2f} s", "at least 0.9 s")


def overhead() -> None:
    """What driver and collectors cost."""
    found = driver_overhead()
    show("driver, end to end against a shell loop", f"{100 * found.end_to_end:+.1f} %", "at most 5 %")
    show("driver, processor time of its own", f"{100 * found.cpu:.1f} %", "at most 2 %")


def live(directory: Path, number: int) -> None:
    """Whole comparisons of equal sides on this machine, as it is now."""
    (directory / "live.yaml").write_text(PIPELINE)
    scenario = directory / "live.json"
    # each comparison has a deadline of its own
    told = {"mode": "PIPELINE_RUN", "pipelineFileName": "live.yaml", "runTime": 20}
    scenario.write_text(json.dumps(told))
    out = slipway(directory / "live", "aa", str(scenario), "--pairs", "40", "--inject", "20", "--live", str(number))
    print(out, end="")
    print("  wanted: 0 rejected of 60 (upper bound 6 %)")


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--live", type=int, default=0, help="whole comparisons of equal sides; 60 take half an hour")
    given = parser.parse_args()
    replays()
    splits()
    baselines()
    with tempfile.TemporaryDirectory() as name:
        example(Path(name))
        stalled(Path(name))
        overhead()
        if given.live:
            live(Path(name), given.live)


if __name__ == "__main__":
    main()
