"""Runs one script of a pipeline: its function `main`, or else the whole file as a program.

    python script_child.py SCRIPT

The values for `main` come as JSON in the environment variable SCRIPT_VALUES; a program gets its arguments from
`job_args` as `--name value`. The network is taken away first.
"""

from __future__ import annotations

import ctypes
import importlib.util
import inspect
import json
import os
import runpy
import signal
import sys

import handler_watch

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the script. Its exit code is ours."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    script = sys.argv[1]
    values = json.loads(os.environ.pop("SCRIPT_VALUES"))
    sys.path[0] = os.path.dirname(script)  # noqa: PTH120 - as Python itself has it
    handler_watch.without_network()
    sys.argv = [script, *(text for name, value in values["job_args"].items() for text in (f"--{name}", str(value)))]
    spec = importlib.util.spec_from_file_location("pipeline_script", script)
    if spec is None or spec.loader is None:
        sys.exit(f"{script} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, "main", None)
    names = set(inspect.signature(function).parameters) if callable(function) else set()
    if {"input_paths", "output_paths"} & names:
        function(**{name: values[name] for name in names & values.keys()})  # type: ignore[misc]
    else:
        runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
