"""`make bench`: what Slipway promises, measured in one run and printed as figures; nothing is asserted.

Every figure is the median of several runs. Absolute times drift with the machine; the ratios are what to look at.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.settings import PROJECT_ROOT


def median(do: Callable[[], Any], runs: int = 5) -> float:
    """Median seconds of a call."""
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        do()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def show(what: str, seconds: float, wanted: str) -> None:
    print(f"{what:<46} {seconds * 1000:9.1f} ms   wanted: {wanted}", flush=True)


def images(directory: Path) -> None:
    """Build and retag a model of 10 MB."""
    import os

    package = directory / "package"
    command = [sys.executable, str(PROJECT_ROOT / "images" / "train" / "train.py"), "--scenario=bad-architecture"]
    subprocess.run([*command, f"--output={package}"], check=True, stdout=subprocess.DEVNULL)
    (package / "model.onnx").write_bytes(os.urandom(10 * 2**20))
    store = OciLayout(directory / "images", PROJECT_ROOT / "images" / "app")
    versions = iter(range(1, 1000))
    show("image build, 10 MB model", median(lambda: store.build(package, str(next(versions)), "t")), "under 1000 ms")
    digest = str(store.resolve("t"))
    show("retag", median(lambda: store.tag(digest, "canary-1.0.1"), 20), "under 50 ms")


def program() -> None:
    """Start-up of the program."""
    command = [str(Path(sys.executable).parent / "slipway"), "--help"]
    show(
        "slipway --help", median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)), "under 300 ms"
    )


FIRST_LINE = """
import os, sys
from slipway_steps import entry
step = entry.load_step(sys.argv[1])
step.run = lambda params, world: os._exit(0)
entry.main(sys.argv[1:])
os._exit(1)
"""


def steps() -> None:
    """From the start of Python to the first line of a step's `run`, in the environment of this checkout."""
    for name, arguments in (("deploy", ["--model-version=1"]), ("resources", ["--model-version=1"]), ("load", [])):
        command = [sys.executable, "-c", FIRST_LINE, name, "--release=r", *arguments]
        show(
            f"step {name}: Python to the first line of run",
            median(lambda command=command: subprocess.run(command, check=True)),  # type: ignore[misc]
            "under 1000 ms",
        )


def release(directory: Path) -> None:
    """A whole release, training included, on a fresh home; and one of the package that this has trained."""
    slipway = str(Path(sys.executable).parent / "slipway")
    command = [slipway, "--home", str(directory / "home")]
    started = time.perf_counter()
    subprocess.run([*command, "run", "release-model"], check=True, stderr=subprocess.DEVNULL)
    show("a whole release, training included", time.perf_counter() - started, "under 60000 ms")
    subprocess.run([*command, "down"], check=True, stdout=subprocess.DEVNULL)
    (contract,) = (directory / "home" / "mlflow" / "artifacts").rglob("package/contract.json")
    package = directory / "released"
    shutil.copytree(contract.parent, package)
    evaluation(package)
    command = [slipway, "--home", str(directory / "again")]
    started = time.perf_counter()
    given = ["-p", f"model-package={package}"]
    subprocess.run([*command, "run", "release-model", *given], check=True, stderr=subprocess.DEVNULL)
    show("a release of a ready package", time.perf_counter() - started, "under 18000 ms")
    subprocess.run([*command, "down"], check=True, stdout=subprocess.DEVNULL)


EVALUATE = """
import resource, sys, tempfile
from pathlib import Path
from slipway_steps.release.evaluate import Params, evaluate
with tempfile.TemporaryDirectory() as directory:
    evaluate(Params(run_id="", release=""), Path(sys.argv[1]), Path(sys.argv[2]), Path(directory))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def evaluation(package: Path) -> None:
    """The tests of the default model: how long, and how much memory their process takes."""
    tests = PROJECT_ROOT / "images" / "train" / "evaluation"
    command = [sys.executable, "-c", EVALUATE, str(tests), str(package)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    show("the evaluation's tests", time.perf_counter() - started, "as it is")
    peak = float(done.stdout.splitlines()[-1])
    print(f"{'the evaluation, peak of memory':<46} {peak:9.1f} MiB  wanted: under 130 MiB", flush=True)


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        program()
        steps()
        images(directory)
        release(directory)


if __name__ == "__main__":
    main()
