"""Imports what the steps need. It opens nothing: no file, no connection, no thread.

The local engine forks each step from a process that has imported this module, so that no step spends two seconds on
imports.
"""

import importlib
import pkgutil

import matplotlib.figure  # noqa: F401 - the import itself is what a forked step saves

import slipway_steps.adapters.world  # noqa: F401 - as above
from slipway_steps import release
from slipway_steps.adapters.mlflow.connection import preload_mlflow

for found in pkgutil.iter_modules(release.__path__):
    importlib.import_module(f"{release.__name__}.{found.name}")
preload_mlflow()
