"""Runs the user's training program and logs the packaged model that it writes."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, Field

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.knob import Knob, limits
from slipway_steps.domain.package import Package, read_package
from slipway_steps.domain.performance import Category
from slipway_steps.domain.scenario import Scenario
from slipway_steps.ports import World
from slipway_steps.release.programs import failure
from slipway_steps.release.step_parameters import PATH, StepParameters

PROGRAM = "train.py"
KNOBS = (
    Knob("threads", Category.CPU, "TRAINING_THREADS", "2", ("1",)),
    Knob("held-out-batch", Category.MEMORY, "TRAINING_HELD_OUT_BATCH", "128", ("32",)),
    Knob("allocator-arenas", Category.MEMORY, "MALLOC_ARENA_MAX", "", ("1",)),
    *limits("2Gi"),
)
"""What `slipway optimize train` tries. The batch of the training itself is none of them: another one trains another
model."""


class Params(StepParameters):
    """What to train, or which packaged model to take."""

    scenario: Scenario = Field(Scenario.NORMAL, description="What the release is to demonstrate.")
    seed: int = Field(0, description="Seed of everything random.", ge=0)
    dataset: str = Field(
        "digits",
        description="`digits`, or a folder with one folder of images for each class, such as Food-11.",
        min_length=1,
        json_schema_extra=PATH,
    )
    model_package: str = Field(
        "", description="Directory of a packaged model to release; empty: train one.", json_schema_extra=PATH
    )
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The MLflow run that holds the packaged model."""

    run_id: str


def run(params: Params, world: World) -> Outputs:
    """Run the training program in a process of its own, check the packaged model, and log it to MLflow.

    Raises BadInput for data or a package that cannot be used and for a training program that fails, Broken where
    something outside ended the program.
    """
    program = program_in(world.settings.train_directory)
    arguments = [f"--dataset={params.dataset}", f"--seed={params.seed}", f"--scenario={params.scenario}"]
    if params.model_package:
        arguments.append(f"--package={read_package(Path(params.model_package)).directory}")
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory) / "package"
        # an error of it is not looked at here: if it is still there after the training, log_package raises it
        execute([sys.executable, str(program), *arguments, f"--output={package}"], world.registry.prepare_log)
        check_model(read_package(package))
        run_id = world.registry.log_package(params.release, package)
    print(f"logged to MLflow as run {run_id}", flush=True)
    return Outputs(run_id=run_id)


def program_in(directory: Path) -> Path:
    """The training program. Raises BadInput where there is none."""
    program = directory / PROGRAM
    if not program.is_file():
        raise BadInput(f"there is no training program {program}", "name its directory by SLIPWAY_TRAIN_DIRECTORY")
    return program


def check_model(package: Package) -> None:
    """Raises BadInput for a model.onnx that ONNX Runtime cannot load, or whose inputs are not those of the contract."""
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(package.model), providers=["CPUExecutionProvider"])
    except Exception as error:  # the exceptions of ONNX Runtime share no base class
        first = str(error).splitlines()[0][:200]
        raise BadInput(f"model.onnx of the packaged model cannot be loaded: {first}", "export it again") from error
    names = [given.name for given in session.get_inputs()]
    if names != [package.contract.input.name]:
        raise BadInput(
            f"model.onnx takes {names}, its contract says {package.contract.input.name!r}", "correct contract.json"
        )


def execute(command: list[str], beside: Callable[[], object] | None = None) -> None:
    """Run the program and print its output. `beside`: is called in a thread meanwhile; its errors are nobody's.

    Raises BadInput where it fails, Broken where something outside ended it.
    """
    last = ""
    # The variables are given as a copy, and the thread starts later: MLflow sets variables while it connects, which
    # moves the list of them in memory, and the start of a program that reads this list then fails (Bad address).
    variables = dict(os.environ)
    with (
        ThreadPoolExecutor(1) as pool,
        subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        if beside:
            pool.submit(beside)
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    if process.returncode and last.startswith("error: "):
        raise BadInput(last.removeprefix("error: "), "nothing was logged or registered")
    if process.returncode:
        raise failure("the training program", process.returncode, last or "it said nothing")
