"""Runs one script of a pipeline: its function `main`, or else the whole file as a program.

    python script_child.py SCRIPT

The values for `main` come as JSON in the environment variable SCRIPT_VALUES; a program gets its arguments from
`job_args` as `--name value`. The network is taken away first.
"""

from __future__ import annotations

import ast
import ctypes
import importlib.machinery
import json
import os
import runpy
import signal
import sys
import types
from pathlib import Path

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
    names = parameters_of_main(Path(script).read_bytes())
    if {"input_paths", "output_paths"} & names:
        # under another name than __main__: what the file does as a program would run `main` a second time
        loader = importlib.machinery.SourceFileLoader("pipeline_script", script)
        module = types.ModuleType(loader.name)
        module.__file__, sys.modules[loader.name] = script, module
        loader.exec_module(module)
        module.main(**{name: values[name] for name in names & values.keys()})
    else:
        runpy.run_path(script, run_name="__main__")


def parameters_of_main(source: bytes) -> set[str]:
    """The names of the parameters of the file's function `main`; none where it has no such function."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # running it tells more
        return set()
    for one in statements:
        if isinstance(one, ast.FunctionDef) and one.name == "main":
            return {given.arg for given in (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs)}
    return set()


if __name__ == "__main__":
    main()
