"""Runs a script of a pipeline in a process of its own, under the limits of a handler."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from slipway_steps.adapters.handlers.printed import keep_end, last_line
from slipway_steps.adapters.handlers.process import WorkerLimits, how_it_ended, plain_environment
from slipway_steps.adapters.handlers.scratch import Scratch
from slipway_steps.adapters.local.limits import make_limits
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.pipeline_testing import ScriptExecutionSpec

PROGRAM = Path(__file__).parent / "programs" / "script_child.py"
_numbers = count(1)


@dataclass(frozen=True)
class ScriptRun:
    """How a script ended, after how many seconds, and where its outputs are."""

    success: bool
    seconds: float
    outputs: dict[str, Path]
    error: str = ""


def run_script(
    spec: ScriptExecutionSpec, inputs: Mapping[str, str], python: str, scratch: Scratch, limits: WorkerLimits
) -> ScriptRun:
    """Run a script with these inputs, and its outputs in the temporary directory.

    Raises BadInput where the script or an input is missing.
    """
    for name, given in {"the script": str(spec.script_path), **inputs}.items():
        if not Path(given).exists():
            raise BadInput(f"{spec.script_name}: {name} {given} does not exist", "correct its path")
    number = next(_numbers)
    home = scratch.path / f"script-{number}"
    outputs = {name: home / "outputs" / name / Path(path).name for name, path in spec.output_paths.items()}
    for name in ("home", "tmp"):
        (home / name).mkdir(parents=True)
    for path in outputs.values():
        (path.parent if path.suffix else path).mkdir(parents=True)
    values = {
        "input_paths": {name: str(Path(path).absolute()) for name, path in inputs.items()},
        "output_paths": {name: str(path) for name, path in outputs.items()},
        "environ_vars": spec.environ_vars,
        "job_args": spec.job_args,
    }
    variables = {**plain_environment(home), **spec.environ_vars, "SCRIPT_VALUES": json.dumps(values)}
    started = time.monotonic()
    error = _run(
        [python or sys.executable, str(PROGRAM), str(spec.script_path.absolute())], variables, home, scratch, limits
    )
    return ScriptRun(not error, time.monotonic() - started, outputs, error)


def _run(command: list[str], variables: dict[str, str], home: Path, scratch: Scratch, limits: WorkerLimits) -> str:
    """Why the program failed; "" where it ended with 0."""
    control = make_limits(
        f"slipway-{home.name}-{os.getpid()}", limits.memory_bytes, (os.cpu_count() or 1) * 1000, limits.watchdog
    )
    for path in control.places:
        scratch.watch_control(path)
    printed: deque[bytes] = deque()
    seconds = max(0.0, limits.left())
    try:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=control.enter,  # noqa: PLW1509 - the cgroup has to be entered before exec
        )
        reader = keep_end(process.stdout, printed)
        scratch.watch(process.pid)
        control.attach(process.pid)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"it did not end within {seconds:.0f} s, the time that was left for the whole test"
        finally:
            control.detach()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            scratch.forget(process.pid)
        if control.oom_killed():
            return f"it was killed above {limits.memory_bytes / 2**20:.0f} MiB"
    except OSError as error:
        raise BadInput(
            f"{command[0]} cannot be started: {error.strerror}", "name another Python by --python"
        ) from error
    finally:
        control.close()
    if not process.returncode:
        return ""
    reader.join(1.0)
    said = last_line(b"".join(list(printed)).decode("utf-8", "replace"))
    return f"it {how_it_ended(process.returncode)}: {said or 'it said nothing'}"
