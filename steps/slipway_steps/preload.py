"""Imports what the steps need. It opens nothing: no file, no connection, no thread.

The local engine forks each step from a process that has imported this module, so that no step spends two seconds on
imports.
"""

import importlib
import pkgutil

from slipway_steps.adapters.mlflow.connection import preload_mlflow

preload_mlflow()  # first: it is most of the time, and what it has imported the others need not

import matplotlib.figure  # noqa: E402, F401 - the import itself is what a forked step saves

import slipway_steps.adapters.world  # noqa: E402, F401 - as above
from slipway_steps import release  # noqa: E402

for found in pkgutil.iter_modules(release.__path__):
    importlib.import_module(f"{release.__name__}.{found.name}")
