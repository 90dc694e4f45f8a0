"""`make bench`, the engine: what a step costs, how that grows, and what a peer takes for the same chain.

python tests/bench_engine.py               the engine's figures
python tests/bench_engine.py --fan N       one run of N no-op steps, its figures as JSON (a process of its own)
python tests/bench_engine.py --peers DIR   also Metaflow and Kubeflow Pipelines, installed in the environment DIR
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PARALLELISM = 2
CHAIN = 20
METAFLOW = """
from metaflow import FlowSpec, step
class Chain(FlowSpec):
    @step
    def start(self):
        self.next(self.s1)
{steps}
    @step
    def end(self):
        pass
if __name__ == "__main__":
    Chain()
"""
KUBEFLOW = """
from kfp import dsl, local
local.init(runner=local.SubprocessRunner(use_venv=False))
@dsl.component
def noop():
    pass
@dsl.pipeline
def chain():
    before = None
    for _ in range({n}):
        task = noop()
        if before is not None:
            task.after(before)
        before = task
chain()
"""


def noops(count: int, chained: bool) -> dict:
    """A workflow of no-op steps, in a row or as one fan-out."""
    noop = {"name": "noop", "container": {"image": "busybox:1", "command": ["true"]}}
    if chained:
        groups = [[{"name": f"s{n}", "template": "noop"}] for n in range(count)]
    else:
        groups = [[{"name": "s", "template": "noop", "withSequence": {"count": str(count)}}]]
    spec = {"entrypoint": "main", "parallelism": PARALLELISM, "templates": [{"name": "main", "steps": groups}, noop]}
    return {"kind": "Workflow", "metadata": {"name": "bench"}, "spec": spec}


def fan(count: int) -> dict[str, float]:
    """Figures of one run in this process: seconds until the first step runs and in all, MiB at the peak."""
    from slipway_workflows import engine

    first: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        run = engine.prepare(engine.Library(), noops(count, chained=False), {}, engine.Options(Path(home)))
        run.execute(lambda event: first.append(time.perf_counter()) if event.type == "Pod" and not first else None)
        whole = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": first[0] - started, "whole": whole, "peak": peak}


def bare(count: int) -> float:
    """Seconds for the same processes, two at a time, with nothing around them."""
    from concurrent.futures import ThreadPoolExecutor

    started = time.perf_counter()
    with ThreadPoolExecutor(PARALLELISM) as pool:
        list(pool.map(lambda _: subprocess.run(["true"], check=True), range(count)))
    return time.perf_counter() - started


def timed(command: list[str], directory: Path) -> float | None:
    """Seconds of a command, None where it fails."""
    started = time.perf_counter()
    # Metaflow wants a user's name, and keeps its files in the working directory
    environment = {**os.environ, "USERNAME": "bench"}
    done = subprocess.run(command, check=False, cwd=directory, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"  {command[0]}: {done.stderr.strip()[-300:]}")
        return None
    return time.perf_counter() - started


def peers(environment: Path | None) -> None:
    """The same chain of no-op steps by each runner, start-up included."""
    import yaml

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "wf.yaml").write_text(yaml.safe_dump(noops(CHAIN, chained=True)))
        body = "\n".join(
            f"    @step\n    def s{n}(self):\n        self.next(self.{f's{n + 1}' if n < CHAIN - 2 else 'end'})"
            for n in range(1, CHAIN - 1)
        )
        (directory / "metaflow_chain.py").write_text(METAFLOW.format(steps=body))
        (directory / "kfp_chain.py").write_text(KUBEFLOW.format(n=CHAIN))
        own = str(Path(sys.executable).parent / "slipway")
        commands = {"slipway run": [own, "--home", name, "run", str(directory / "wf.yaml")]}
        if environment is not None:
            python = str(environment.absolute() / "bin" / "python")
            commands["Metaflow, run"] = [python, "metaflow_chain.py", "run"]
            commands["Kubeflow Pipelines, SubprocessRunner"] = [python, "kfp_chain.py"]
        ours = None
        for what, command in commands.items():
            taken = timed(command, directory)
            ours = ours or taken
            told = "failed" if taken is None else f"{taken:8.2f} s   {taken / (ours or 1):5.1f} times slipway"
            print(f"{f'{CHAIN} no-op steps in a row: {what}':<66} {told}", flush=True)


def main() -> None:
    """Print every figure."""
    if sys.argv[1:2] == ["--fan"]:
        print(json.dumps(fan(int(sys.argv[2]))))
        return
    print(f"{'no-op steps, 2 at a time':<26} {'first after':>12} {'in all':>9} {'a step':>9} {'bare':>9} {'peak':>9}")
    for count in (100, 1_000, 10_000):
        done = subprocess.run(
            [sys.executable, __file__, "--fan", str(count)], check=True, capture_output=True, text=True
        )
        found = json.loads(done.stdout)
        alone = bare(min(count, 1000)) / min(count, 1000)
        print(
            f"{count:<26} {found['first']:10.2f} s {found['whole']:7.1f} s {found['whole'] / count * 1000:6.1f} ms "
            f"{alone * 1000:6.1f} ms {found['peak']:5.0f} MiB",
            flush=True,
        )
    peers(Path(sys.argv[2]) if sys.argv[1:2] == ["--peers"] else None)


if __name__ == "__main__":
    main()
