"""Whole releases on a real MLflow server whose artifacts go through it, as on a cluster."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.machine import Slipway, outputs, phases, running_step, until
from mlflow_server import MlflowServer

from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.mlflow.rest_client import RestClient
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.verdict import RELEASE_GATES, Gate, Verdict
from slipway_steps.settings import Settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    found = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    found.start()
    yield found
    found.kill()


@pytest.fixture(scope="module")
def machine(server: MlflowServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slipway]:
    program = Slipway(tmp_path_factory.mktemp("machine") / "home", server.url)
    yield program
    program("down")


def test_a_release_reaches_canary(machine: Slipway, server: MlflowServer, trained_package: Path) -> None:
    found = machine.release(trained_package, "load-requests=20")
    assert found.code == 0, found.err
    assert outputs(found.workflow)["verdict"] == "pass"
    assert machine.aliases() == {"development": "1", "staging": "1", "canary": "1"}
    status = machine.status()
    assert [machine.serves(name, status) for name in ("staging", "canary")] == ["1", "1"]
    checked = machine("doctor")
    assert checked.code == 0, checked.out + checked.err
    assert not (machine.home / "mlflow").exists(), "something was written beside the server"
    registry = MlflowRegistry(Settings(home=machine.home, tracking_uri=server.url))
    assert isinstance(registry.client, RestClient)
    reports = registry.reports(found.workflow["metadata"]["name"])
    assert {report.gate for report in reports} == set(RELEASE_GATES)
    experiment = registry.connection.mlflow_client.get_experiment(registry.connection.experiment)
    assert experiment.artifact_location.startswith("mlflow-artifacts:/")


def test_a_rejection_while_the_server_restarts_is_a_rejection(
    machine: Slipway, server: MlflowServer, trained_package: Path
) -> None:
    given = [f"model-package={trained_package}", "load-requests=20", "p95-max-ms=0.001"]
    release = machine.start("run", "release-model", *(w for p in given for w in ("-p", p)), "--output", "json")
    until(lambda: running_step(release.pid, "integration"))
    server.kill()
    time.sleep(1)
    server.start()
    out, err = release.communicate(timeout=200)
    assert release.returncode == 2, err
    workflow = json.loads(out)
    ran = phases(workflow)
    assert (outputs(workflow)["verdict"], ran["revert"]) == ("reject", "Succeeded")
    registry = MlflowRegistry(Settings(home=machine.home, tracking_uri=server.url))
    verdicts = {item.gate: item.verdict for item in registry.evidence("2")}
    assert verdicts == dict.fromkeys(RELEASE_GATES, Verdict.PASS) | {Gate.LOAD: Verdict.REJECT}
    record = registry.record(Environment.STAGING)
    assert record.open is None
    assert record.current == record.last_good == registry.candidate("1")
    assert machine.aliases() == {"development": "2", "staging": "1", "canary": "1"}
    assert machine.serves("staging") == "1"
