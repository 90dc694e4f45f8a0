"""Runs one step: reads its parameters from argv, runs it, writes its outputs to files and returns its exit code.

    python -m slipway_steps.entry deploy --model-version 7 --output-dir /tmp/outputs

Every field of the step's `Params` is a flag, and every field of its `Outputs` becomes a file in the output directory;
both are named with hyphens. With `--termination-log=FILE` the error of a step that fails is written there. Exit codes:
0 where the step ran (a gate that rejects has run), 75 where something outside failed and a retry may help, 2 for the
step `rejected` that ends a release in red, 1 for any other error.
"""

import argparse
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel, ValidationError

from slipway_steps.domain.errors import BadInput, SlipwayError
from slipway_steps.domain.plain_text import plain_line
from slipway_steps.files import replace_file
from slipway_steps.ports import World

STEPS = {
    "train": "slipway_steps.release.train",
    "evaluate": "slipway_steps.release.evaluate",
    "handler": "slipway_steps.release.handler",
    "register": "slipway_steps.release.register",
    "build": "slipway_steps.release.build",
    "deploy": "slipway_steps.release.deploy",
    "integration": "slipway_steps.release.integration",
    "resources": "slipway_steps.release.resources",
    "load": "slipway_steps.release.load",
    "shadow": "slipway_steps.release.shadow",
    "shift": "slipway_steps.release.shift",
    "canary": "slipway_steps.release.canary",
    "promote": "slipway_steps.release.promote",
    "hold": "slipway_steps.release.hold",
    "revert": "slipway_steps.release.revert",
    "rejected": "slipway_steps.release.rejected",
    "vacant": "slipway_steps.release.vacant",
    "initialize": "slipway_steps.release.initialize",
    "evidence": "slipway_steps.release.evidence",
    "finish": "slipway_steps.release.finish",
    "report": "slipway_steps.release.report",
    "doctor": "slipway_steps.release.doctor",
    "perf": "slipway_steps.perf.step",
    "health": "slipway_steps.health.step",
}
"""The steps by name, as templates and `python -m slipway_steps.entry NAME` call them."""


def load_step(name: str) -> ModuleType:
    """The module of a step. Raises BadInput for an unknown name."""
    if name not in STEPS:
        raise BadInput(f"unknown step {name!r}", f"known: {', '.join(STEPS)}")
    return importlib.import_module(STEPS[name])


def parse(module: ModuleType, argv: list[str]) -> tuple[BaseModel, Path | None]:
    """The step's Params and the output directory from argv. Raises BadInput that names each wrong parameter."""
    params: type[BaseModel] = module.Params
    parser = argparse.ArgumentParser(prog=module.__name__, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--output-dir", type=Path)
    parser.add_argument("--termination-log", type=Path)
    for field, info in params.model_fields.items():
        # argparse reads a % in a help text as a format character
        parser.add_argument(
            f"--{field.replace('_', '-')}", dest=field, help=(info.description or "").replace("%", "%%")
        )
    try:
        given, unknown = parser.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise BadInput(f"step {module.__name__}: {error}", "see --help") from error
    if unknown:
        raise BadInput(f"step {module.__name__}: unknown arguments {' '.join(unknown)}", "see --help")
    values = {k: v for k, v in vars(given).items() if k not in ("output_dir", "termination_log") and v is not None}
    try:
        return params.model_validate(values), given.output_dir
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']).replace('_', '-')}: {e['msg']}" for e in error.errors()
        )
        raise BadInput(f"step {module.__name__}: {faults}", "parameters are described in the template") from error


def write_outputs(outputs: BaseModel, directory: Path) -> None:
    """Write one file for each output. Each file is replaced in one step, so that nobody reads half a value."""
    directory.mkdir(parents=True, exist_ok=True)
    for field in type(outputs).model_fields:
        path = directory / field.replace("_", "-")
        replace_file(path, str(getattr(outputs, field)))


def write_termination_message(argv: list[str], message: str) -> None:
    """Write why the step failed to the file that `--termination-log` names, if any. Kubernetes makes it the termination
    message of the container, and Argo the message of the node, which people see in the UI.
    """
    path = next((word.partition("=")[2] for word in argv if word.startswith("--termination-log=")), "")
    if path:
        with suppress(OSError):  # the log has the message too
            Path(path).write_text(plain_line(message))


def main(argv: list[str] | None = None, world: World | None = None) -> int:
    """Run the step that argv names and return its exit code. `world` is what the step may use; None: the world that the
    settings describe.
    """
    # Set when the package was imported already; but the engine forks steps and gives each an environment of its own.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    arguments = sys.argv[1:] if argv is None else argv
    try:
        module = load_step(arguments[0] if arguments else "")
        params, directory = parse(module, arguments[1:])
        if world is None:
            from slipway_steps.adapters.world import make_world

            world = make_world()
        outputs = module.run(params, world)
        if directory is not None:
            write_outputs(outputs, directory)
    except SlipwayError as error:
        message, code = str(error), error.exit_code
    except OSError as error:
        message, code = f"{error} (is the disk full or the directory read-only?)", 1
    else:
        return 0
    print(f"error: {message}", file=sys.stderr, flush=True)
    write_termination_message(arguments, message)
    return code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # does not wait for the threads of MLflow and ONNX Runtime to end, which takes up to a second
