"""`make bench`: what the test of inference handlers promises, measured in one run; nothing is asserted.

Each figure compares two things that were measured in turn, so that a slow moment of the machine hits both.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Request
from slipway_steps.adapters.handlers.process import WorkerLimits
from slipway_steps.adapters.handlers.scratch import Scratch, scratch
from slipway_steps.adapters.handlers.worker import HandlerWorker
from slipway_steps.domain.handler import JSON, InferenceHandlerSpec
from slipway_steps.domain.pipeline_testing import ScriptExecutionSpec
from slipway_steps.handlers import (
    open_handler,
    test_inference_function,
    test_inference_pipeline,
    test_script_to_inference_compatibility,
)

BUSY = """import time
def model_fn(model_dir):
    return 3
def predict_fn(data, model):
    until = time.process_time() + {seconds}
    while time.process_time() < until:
        pass
    return data * model
"""
LARGE = """def model_fn(model_dir):
    with open(model_dir + "/weights", "rb") as file:
        return file.read()
def predict_fn(data, model):
    return data * model[0]
"""
BARE = """
import sys, time
from mms.context import Context, RequestProcessor
from sagemaker_inference.transformer import Transformer
context = Context("model", sys.argv[1], None, 1, None, "1")
transformer, body, number = Transformer(), open(sys.argv[2], "rb").read(), int(sys.argv[3])
transformer.validate_and_initialize(sys.argv[1], context)
started = time.perf_counter()
for _ in range(number):
    context.request_processor = [RequestProcessor({"Content-Type": "application/json", "Accept": "application/json"})]
    transformer.transform([{"body": bytearray(body)}], context)
print((time.perf_counter() - started) / number)
"""
"""The toolkit's Transformer alone: no worker of the model server, no process that asks, no record."""


def show(what: str, figure: str, wanted: str) -> None:
    print(f"{what:<46} {figure:>12}   wanted: {wanted}", flush=True)


def make(directory: Path, source: str) -> Path:
    (directory / "code").mkdir(parents=True)
    (directory / "code" / "inference.py").write_text(source)
    return directory


def worker(package: Path, temporary: Scratch, workers: int = 1) -> HandlerWorker:
    limits = WorkerLimits(4 * 2**30, 60.0, time.monotonic() + 600)
    made = HandlerWorker(package, "", temporary, limits, workers)
    made.load()
    return made


def requests(body: Path, number: int) -> list[Request]:
    return [Request(str(one), JSON, JSON, body) for one in range(number)]


def timed(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def overhead(directory: Path, temporary: Scratch, body: Path) -> None:
    """A request of 1.2 ms through our process, against the bare Transformer."""
    package, number = make(directory / "busy", BUSY.format(seconds=0.0012)), 300
    ours, bare = [], []
    with worker(package, temporary) as asked:
        for _ in range(5):
            ours.append(timed(lambda: asked.send(requests(body, number))) / number)
            command = [sys.executable, "-c", BARE, str(package), str(body), str(number)]
            done = subprocess.run(
                command, check=True, text=True, stdout=subprocess.PIPE, env={"PYTHONPATH": str(package / "code")}
            )
            bare.append(float(done.stdout))
    ratio = statistics.median(ours) / statistics.median(bare) - 1
    show(f"overhead, request of {statistics.median(bare) * 1000:.2f} ms", f"{ratio:.1%}", "under 10 %")


def loads(directory: Path, body: Path) -> None:
    """Loads of the model by the function, pipeline and compatibility tests, apart and in one session."""
    package, script = make(directory / "small", BUSY.format(seconds=0)), directory / "script.py"
    (package / "payloads").mkdir()
    (package / "payloads" / "rows.json").write_bytes(body.read_bytes())
    script.write_text(
        "def main(output_paths):\n    open(output_paths['rows'] + '/rows.csv', 'w').write('1,2\\n3,4\\n')\n"
    )
    spec = InferenceHandlerSpec.create_default("small", "Registration", package)
    written = ScriptExecutionSpec(script_name="rows", script_path=script, output_paths={"rows": "out"})
    with open_handler(spec, directory / "store") as session:
        test_inference_function(spec, "predict_fn", session=session)
        result = test_inference_pipeline(spec, session=session, quick=True)
        test_script_to_inference_compatibility(written, spec, session=session)
        show("loads of the model in three tests", f"{session.worker.loads} for 3", "1 for 3")
    assert result.overall_success


def parallel(directory: Path, temporary: Scratch, body: Path) -> None:
    """Twelve requests of 50 ms, by one worker and by two."""
    package = make(directory / "slow", BUSY.format(seconds=0.05))
    one, two = [], []
    with worker(package, temporary) as alone, worker(package, temporary, 2) as both:
        both.send(requests(body, 4), side_by_side=True)
        for _ in range(3):
            one.append(timed(lambda: alone.send(requests(body, 12))))
            two.append(timed(lambda: both.send(requests(body, 12), side_by_side=True)))
    show(
        "2 workers, predict of 50 ms",
        f"{1 - statistics.median(two) / statistics.median(one):.0%} less",
        "at least 30 % less",
    )


def proportional(pids: list[int]) -> int:
    """Bytes of memory, with what processes share divided among them."""
    found = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return found


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def memory(directory: Path, temporary: Scratch, body: Path) -> None:
    """Two workers with a model of 190 MiB: forked after the load, and started apart."""
    package = make(directory / "large", LARGE)
    (package / "weights").write_bytes(b"\1" * (190 * 2**20))
    with worker(package, temporary, 2) as forked:
        forked.send(requests(body, 4), side_by_side=True)
        shared = proportional(family(forked.process.process.pid))
    with worker(package, temporary) as first, worker(package, temporary) as second:
        apart = proportional([first.process.process.pid, second.process.process.pid])
    show(
        "2 workers, model of 190 MiB",
        f"{1 - shared / apart:.0%} less",
        f"at least 25 % less ({shared / 2**20:.0f} for {apart / 2**20:.0f} MiB)",
    )


def first_verdict(directory: Path) -> None:
    """The package that our training program writes, from the command to the verdict, with nothing unpacked yet."""
    from slipway_steps.settings import PROJECT_ROOT

    program = PROJECT_ROOT / "images" / "train" / "train.py"
    package = directory / "shipped"
    command = [sys.executable, str(program), "--scenario=bad-architecture", f"--output={package}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    slipway = str(Path(sys.executable).parent / "slipway")
    took = []
    for number in range(3):
        call = [slipway, "--home", str(directory / f"home-{number}"), "test-handler", str(package)]
        took.append(timed(lambda call=call: subprocess.run(call, check=True, stdout=subprocess.DEVNULL)))  # type: ignore[misc]
    show("first verdict on the shipped package", f"{statistics.median(took):.1f} s", "at most 3 s")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, scratch(Path(name)) as temporary:
        directory = Path(name)
        body = directory / "body.json"
        body.write_text("[[1, 2], [3, 4]]")
        overhead(directory, temporary, body)
        loads(directory, body)
        parallel(directory, temporary, body)
        memory(directory, temporary, body)
        first_verdict(directory)


if __name__ == "__main__":
    main()
