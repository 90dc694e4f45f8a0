"""Modes on the local target: experiments, schedules and reads, with the real engine and real MLflow."""

import time
from pathlib import Path

from mlflow_server import MlflowServer
from steps.adapters.mlflow.conftest import mlflow_server
from steps.adapters.targets.test_local_engine import Prepared, ended, pod, prepared, python, steps, workflow

from slipway_steps.adapters.mlflow.experiments import MlflowExperiments
from slipway_steps.adapters.targets.local_engine import LocalEngineTarget
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.settings import Settings

__all__ = ["mlflow_server", "prepared"]  # fixtures


def test_runs_carry_the_experiment(prepared: Prepared) -> None:
    name = f"{prepared.session}-e"
    carries = f'test "$SLIPWAY_EXPERIMENT" = {name} && test "$MLFLOW_EXPERIMENT_NAME" = {name}'
    target = prepared.prepare(workflow(steps("a"), pod("a", carries)), mode="EXPERIMENT")
    began = time.monotonic()
    target.create_experiment(name)
    assert time.monotonic() - began < 1, "the connection was opened before"
    assert ended(target, target.submit({})).outcome is RunOutcome.SUCCEEDED


def test_an_experiment_on_a_server_is_deleted_with_its_session(tmp_path: Path, mlflow_server: MlflowServer) -> None:
    settings = Settings(home=tmp_path / "home", tracking_uri=mlflow_server.url)
    found = Prepared(tmp_path, f"perf-server{time.monotonic_ns()}")
    found.target = LocalEngineTarget(settings)
    target = found.prepare(workflow(steps("a"), pod("a", "true")), mode="EXPERIMENT")
    target.create_experiment(found.session)
    experiment = MlflowExperiments(settings).connection.mlflow_client.get_experiment_by_name(found.session)
    # as `slipway perf clean` does it, in another program
    assert f"experiment {found.session}" in LocalEngineTarget(settings).remove(found.session)
    client = MlflowExperiments(settings).connection.mlflow_client
    assert client.get_experiment(experiment.experiment_id).lifecycle_stage == "deleted"
    target.remove(found.session)


def test_a_schedule_starts_real_runs_until_it_is_stopped(prepared: Prepared) -> None:
    target = prepared.prepare(workflow(steps("a"), pod("a", "true")))
    schedule = target.schedule(1.0, {})
    deadline = time.monotonic() + 20
    while len(target.firings(schedule)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    target.stop(schedule)
    firings = target.firings(schedule)
    time.sleep(1.2)
    assert target.firings(schedule) == firings
    assert [ended(target, firing.run).outcome for firing in firings if firing.run] == [RunOutcome.SUCCEEDED] * 3


def test_the_run_store_is_read(prepared: Prepared, tmp_path: Path) -> None:
    target = prepared.target
    assert list(target.operations) == ["runs/list"]
    assert target.get("runs/list") == 200
    run = tmp_path / "home" / "runs" / "a"
    run.mkdir(parents=True)
    (run / "workflow.json").write_text(
        '{"status": {"phase": "Succeeded", "startedAt": "2026-01-01T00:00:00.000Z",'
        ' "finishedAt": "2026-01-01T00:00:04.000Z", "nodes": {"x": {"id": "x", "type": "Pod", "name": "x",'
        ' "startedAt": "2026-01-01T00:00:01.000Z", "finishedAt": "2026-01-01T00:00:03.500Z"}}}}'
    )
    assert list(target.operations) == ["runs/list", "runs/get"]
    assert target.get("runs/get") == 200
    (sample,) = target.finished(0)
    assert (sample.metrics["end-to-end"], sample.components) == (4.0, {"x": 2.5})
    assert target.finished(time.time()) == []


def test_a_pod_of_no_steps_is_named_as_its_template_and_not_as_the_run(prepared: Prepared) -> None:
    retried = python("main", "pass", retryStrategy={"limit": 1})
    by_hook = {"hooks": {"running": {"template": "tell", "expression": 'workflow.status == "Running"'}}}
    content = workflow(retried, pod("clean", "true"), pod("tell", "true"), onExit="clean", **by_hook)
    target = prepared.prepare(content)
    samples = [ended(target, target.submit({})) for _ in range(2)]
    assert [sample.outcome for sample in samples] == [RunOutcome.SUCCEEDED] * 2, samples[0].message
    assert [set(sample.components) - {"tell"} for sample in samples] == [{"main", "clean"}] * 2
