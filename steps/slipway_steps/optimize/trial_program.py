"""A program: runs what a step computes once, without storing anything, and prints its results as the last line.

python -m slipway_steps.optimize.trial_program evaluate PACKAGE
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from slipway_steps.release import evaluate
from slipway_steps.settings import read_settings

KNOBS = {"evaluate": evaluate.KNOBS}
"""The steps that can be tried, with their knobs. A step that changes something outside is not among them."""


def results_of(package: Path) -> dict[str, Any]:
    """The results of the evaluation of a packaged model: what must stay equal."""
    tests = read_settings().train_directory / "evaluation"
    with tempfile.TemporaryDirectory() as directory:
        checks, details = evaluate.evaluate(evaluate.Params(run_id="", release=""), tests, package, Path(directory))
    found = [[check.code, check.verdict, check.measured] for check in checks]
    return {"checks": found, "predicted": details.get("predicted")}


if __name__ == "__main__":
    print(json.dumps(results_of(Path(sys.argv[2]))))
