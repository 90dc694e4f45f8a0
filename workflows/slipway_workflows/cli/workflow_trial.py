"""Trials of the workflow in a file, and the program that makes one: it runs the workflow with a home of its own, and
prints the outputs of its pods as the last line.

python -m slipway_workflows.cli.workflow_trial FILE
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.adapters.local.bounded_run import Bounds, run_bounded
from slipway_steps.domain.errors import BadInput, Broken, SlipwayError
from slipway_steps.domain.knob import Knob
from slipway_steps.domain.performance import Category
from slipway_steps.optimize.trials import SECONDS, UNLIMITED, Run, run_program
from slipway_workflows import engine
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.validation.pipelines import PROGRAM, environment

PARALLELISM = "TRIAL_PARALLELISM"
KNOBS = (Knob("parallelism", Category.CONCURRENCY, PARALLELISM, "", ("1", "2", "4")),)
"""What `slipway optimize FILE` tries: how many pods of the workflow may run at the same time; by default, all."""


def stands(file: Path) -> dict[str, str]:
    """The parallelism that the workflow in a file has; empty where it has none. Raises BadInput for no workflow."""
    given = _spec(_main(file)).get("parallelism")
    return {"parallelism": str(given)} if given else {}


def runs_of(file: Path) -> Run:
    """Runs the program of this module on a file."""
    command = [sys.executable, "-P", "-m", __name__, str(file.absolute())]
    return lambda variables: run_program(command, variables)


def outputs(workflow: dict[str, Any]) -> list[list[Any]]:
    """Path, phase and outputs of each pod of a stored Workflow: what has to stay equal. Artifacts are not compared."""
    found = read_workflow(workflow)
    return sorted(
        [
            node.name.removeprefix(found.name),
            str(node.phase),
            [[one["name"], one.get("value")] for one in node.outputs.get("parameters") or []],
            node.outputs.get("result"),
        ]
        for node in found.pods
    )


def with_parallelism(file: Path, number: str) -> str:
    """The text of a file whose workflow has this parallelism; "": as it is. Raises BadInput for no number."""
    text = file.read_text()
    if not number:
        return text
    if not number.isdecimal() or not int(number):
        raise BadInput(f"parallelism cannot be {number}", "it is a number of pods, from 1 on")
    main, manifests = _main(file), [one for one in yaml.safe_load_all(text) if one]
    for one in manifests:
        if (one.get("kind"), one.get("metadata")) == (main.get("kind"), main.get("metadata")):
            _spec(one)["parallelism"] = int(number)
    return yaml.safe_dump_all(manifests, sort_keys=False)


def _main(file: Path) -> dict[str, Any]:
    return engine.main_object(engine.load([file], MANIFESTS), file)


def _spec(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]
    return spec.get("workflowSpec") or spec


def trial(file: Path, number: str) -> list[list[Any]]:
    """Run the workflow once with a home of its own; returns its outputs. Raises Broken where it does not succeed."""
    with tempfile.TemporaryDirectory() as name:
        changed, home = Path(name) / file.name, Path(name) / "home"
        changed.write_text(with_parallelism(file, number))
        slipway, out, err = [*PROGRAM, "--home", str(home)], Path(name) / "out", Path(name) / "err"
        # nothing of the workflow outlives it, nor us where we are killed: neither a step nor an environment
        done = run_bounded(
            Bounds(
                command=[*slipway, "run", str(changed), "--output", "json"],
                stdout=str(out),
                stderr=str(err),
                seconds=SECONDS,
                memory=UNLIMITED,
                clean_up=[*slipway, "down"],
                clean_up_if=str(home / "environments"),
            ),
            environment(),
        )
        if done.code or done.ended_by:
            last = err.read_text(errors="replace").strip().rpartition("\n")[2].removeprefix("error: ")
            raise Broken(f"{file} did not succeed (exit code {done.code}): {done.ended_by or last}")
        return outputs(json.loads(out.read_text()))


def main() -> int:
    """Print the outputs of one run; returns the exit code."""
    try:
        print(json.dumps(trial(Path(sys.argv[1]), os.environ.get(PARALLELISM, ""))))
    except SlipwayError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
