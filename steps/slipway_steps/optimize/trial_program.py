"""A program: runs what a step computes once, without storing anything, and prints its results as the last line.

python -m slipway_steps.optimize.trial_program evaluate|handler PACKAGE
python -m slipway_steps.optimize.trial_program train DATASET SEED
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway_steps.domain.package import read_package
from slipway_steps.domain.scenario import Scenario
from slipway_steps.release import evaluate, handler, train
from slipway_steps.settings import read_settings

KNOBS = {"evaluate": evaluate.KNOBS, "handler": handler.KNOBS, "train": train.KNOBS}
"""The steps that can be tried, with their knobs. A step that changes something outside is not among them."""


def evaluated(package: str) -> dict[str, Any]:
    """The results of the evaluation of a packaged model."""
    tests = read_settings().train_directory / "evaluation"
    with tempfile.TemporaryDirectory() as directory:
        params = evaluate.Params(run_id="", release="")
        checks, details = evaluate.evaluate(params, tests, Path(package), Path(directory))
    found = [[check.code, check.verdict, check.measured] for check in checks]
    return {"checks": found, "predicted": details.get("predicted")}


def handled(package: str) -> dict[str, Any]:
    """The verdicts of the test of a packaged model's handler; what its calls took is no result."""
    params, found = handler.Params(release=""), read_package(Path(package))
    with tempfile.TemporaryDirectory() as directory:
        checks, _ = handler.tested(params, read_settings().model, found.directory, found, None, Path(directory))
    return {"checks": [[check.code, check.verdict] for check in checks if check.code != "remark"]}


def trained(dataset: str, seed: str) -> dict[str, Any]:
    """The metrics of a training, at its end and after each epoch."""
    program = train.program_in(read_settings().train_directory)
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory) / "package"
        given = [f"--dataset={dataset}", f"--seed={seed}", f"--scenario={Scenario.NORMAL}", f"--output={package}"]
        train.execute([sys.executable, str(program), *given])
        found = read_package(package)
        return {"metrics": found.metrics, "history": found.history}


PROGRAMS: dict[str, Callable[..., dict[str, Any]]] = {"evaluate": evaluated, "handler": handled, "train": trained}
"""What a step computes: its results, which have to stay equal."""


if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](*sys.argv[2:])))
