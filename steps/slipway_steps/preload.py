"""Imports what the steps need. It opens nothing: no file, no connection, no thread.

The local engine forks each step from a process that has imported this module, so that no step spends two seconds on
imports.
"""

import importlib
import pkgutil

import matplotlib.figure  # noqa: F401 - the import itself is what a forked step saves

import slipway_steps.adapters.world  # noqa: F401 - as above
from slipway_steps import release
from slipway_steps.adapters.mlflow.connection import quiet_mlflow

for found in pkgutil.iter_modules(release.__path__):
    importlib.import_module(f"{release.__name__}.{found.name}")
quiet_mlflow()
for late in (
    "alembic.command",
    "mlflow.pyfunc",
    "mlflow.store.artifact.local_artifact_repo",
    "mlflow.store.db.utils",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.tracing.export",
    "mlflow.tracing.processor.otel",
    "mlflow.types",
    "sqlalchemy.dialects.sqlite",
):
    # MLflow imports these itself when it is first used
    importlib.import_module(late)
