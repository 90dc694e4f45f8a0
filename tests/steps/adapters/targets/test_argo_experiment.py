"""Mode EXPERIMENT on Argo: an experiment of a real MLflow server, which the steps of all runs are told."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow_server import MlflowServer
from steps.adapters.mlflow.conftest import mlflow_server
from steps.adapters.targets.pipelines import SESSION, scenario, two_steps

from slipway_steps.adapters.mlflow.experiments import MlflowExperiments
from slipway_steps.adapters.targets.argo import ArgoTarget
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.domain.perf_until import MARGIN
from slipway_steps.settings import Settings

__all__ = ["mlflow_server"]  # a fixture
CARRIES = "import os, sys; sys.exit(os.environ.get('MLFLOW_EXPERIMENT_NAME') != sys.argv[1])"


def test_runs_carry_the_experiment(
    argo_target: Callable[..., ArgoTarget], tmp_path: Path, mlflow_server: MlflowServer
) -> None:
    target = argo_target(tracking_uri=mlflow_server.url)
    pipeline = two_steps(tmp_path, command=["python3", "-c", CARRIES], args=[SESSION])
    target.prepare(SESSION, scenario(mode="EXPERIMENT"), pipeline)
    target.create_experiment(SESSION)
    # known also where the program is killed before it makes a workflow
    assert target.sessions()[SESSION] == pytest.approx(time.time() + 600 + MARGIN, abs=60)
    run = target.submit({})
    assert target.wait(run, time.time() + 30)
    assert target.read(run).outcome is RunOutcome.SUCCEEDED
    client = MlflowExperiments(Settings(tracking_uri=mlflow_server.url)).connection.mlflow_client
    experiment = client.get_experiment_by_name(SESSION)
    # as `slipway perf clean` does it, in another program
    assert f"experiment {SESSION}" in argo_target(tracking_uri=mlflow_server.url).remove(SESSION)
    assert client.get_experiment(experiment.experiment_id).lifecycle_stage == "deleted"
    assert target.remove(SESSION) == []


def test_without_a_server_of_mlflow_there_is_no_experiment(
    argo_target: Callable[..., ArgoTarget], tmp_path: Path
) -> None:
    target = argo_target()
    target.prepare(SESSION, scenario(mode="EXPERIMENT"), two_steps(tmp_path))
    with pytest.raises(BadInput, match="SLIPWAY_TRACKING_URI"):
        target.create_experiment(SESSION)
    target.remove(SESSION)
