"""`slipway ui`: starts MLflow's own web UI on the local database."""

import importlib.metadata
import os
import subprocess
import sys

import click

from slipway_steps.domain.errors import BadInput


@click.command()
@click.option("--port", default=5000, show_default=True, help="Port on 127.0.0.1.")
def ui(port: int) -> int:
    """Open MLflow's web UI on the local releases (needs the extra `ui`)."""
    from slipway_workflows.cli.settings import current_settings

    try:
        importlib.metadata.distribution("mlflow")
    except importlib.metadata.PackageNotFoundError:
        raise BadInput("MLflow's web UI is not installed", "install it and open it with: make ui") from None
    settings = current_settings()
    if not settings.tracking_uri and not (settings.home / "mlflow" / "mlflow.db").exists():
        raise BadInput(f"there is no MLflow database under {settings.home} yet", "run a release first: make run")
    # one worker and no job runner: the defaults start 15 processes and take 2.3 GB
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    click.echo(f"MLflow on http://127.0.0.1:{port} (Ctrl-C stops it)")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", settings.mlflow_uri]
    return subprocess.call([*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"], env=environment)
