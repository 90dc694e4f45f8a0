"""The step `report` on a cluster: rights of its own account, a real page, real MLflow."""

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_rbac import service_account
from kube_server import Cluster
from sampling import for_acceptance
from steps.release.fakes import Memory
from workflows.report.gate_reports import evaluation, load
from workflows.report.stored_release import NAME, workflow

from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.world import LazyWorld
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.journal import Intent
from slipway_steps.entry import main
from slipway_steps.release import links, report
from slipway_steps.settings import Settings

LISTS = (
    "/api/v1/namespaces/{}/pods",
    "/apis/apps/v1/namespaces/{}/replicasets",
    "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods",
)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster that a release has just ended on: its exit handler runs. Each call is as the step's own account."""
    found = Cluster(speed=0.01)
    for environment in Environment:
        served = (
            {"image.digest": "sha256:" + "4" * 64, "modelVersion": "6"} if environment is Environment.STAGING else {}
        )
        found.application(f"model-app-{environment}", served)
        for path in LISTS:
            found.lists[path.format(f"model-app-{environment}")] = []
    kubeconfig = found.kubeconfig(tmp_path / "kubeconfig", service_account("slipway-report"))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    yield found
    found.close()


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def stored(cluster: Cluster, scenario: str, packed: bool = False) -> None:
    """The Workflow as it is while its exit handler runs: Running, with the nodes of the exit handler."""
    found = workflow(scenario)
    found["status"] = {**found["status"], "phase": "Running", "finishedAt": None, "message": ""}
    for node in found["status"]["nodes"].values():
        if node["name"].startswith(f"{NAME}.onExit"):
            node.update(phase="Running", finishedAt=None)
    if packed:
        text = json.dumps(found["status"].pop("nodes")).encode()
        found["status"]["compressedNodes"] = b64encode(gzip.compress(text)).decode()
    cluster.objects[f"/apis/argoproj.io/v1alpha1/namespaces/slipway/workflows/{NAME}"] = found


def page(home: Path, release: str = NAME) -> str:
    """The report in the release's run."""
    registry = MlflowRegistry(Settings(home=home))
    address = registry.run_address(release)
    assert address is not None
    local = registry.client.download_artifacts(address.run, links.REPORT, str(home))
    return Path(local).read_text()


@pytest.mark.parametrize("packed", [for_acceptance(False), True])
def test_a_release_leaves_its_report_in_its_run(
    cluster: Cluster, home: Path, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(cluster, "slow", packed)
    registry = MlflowRegistry(Settings(home=home))
    for one in (evaluation("slow"), load("slow")):
        registry.save_report(None, replace_release(one))
    settings = {"PLATFORM": "kubernetes", "HOME": str(home), "MLFLOW_URL": "https://mlflow.example"}
    for name, value in settings.items():
        monkeypatch.setenv(f"SLIPWAY_{name}", value)
    step = ["report", f"--release={NAME}", "--workflow-status=Failed", f"--output-dir={tmp_path / 'out'}"]
    assert main(step) == 0
    text = page(home)
    assert "Rejected by the load test" in text
    assert "Still running" not in text
    assert '<p class="version">version 6</p>' in text, "what staging serves now"
    assert "onExit" not in text
    assert "Latency under load" in text
    assert "<svg" in text
    address = registry.run_address(NAME)
    assert address is not None
    wanted = (
        f"https://mlflow.example/#/experiments/{address.experiment}/runs/{address.run}/artifacts/report/report.html"
    )
    assert (tmp_path / "out" / "report-url").read_text() == wanted


def replace_release(one: Any) -> Any:
    return one.model_copy(update={"release": NAME, "candidate": one.candidate.model_copy(update={"version": ""})})


def test_a_release_that_ended_before_its_first_gate_has_one_too(cluster: Cluster, home: Path) -> None:
    stored(cluster, "deploy-broke")
    world = LazyWorld(Settings(home=home, platform="kubernetes"))
    found = report.run(report.Params(release=NAME, workflow_status="Error"), world)
    assert found.report_url.startswith("runs:/")
    assert found.report_url.endswith("/report/report.html")
    assert "Error" in page(home)


def test_on_one_machine_it_does_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = LazyWorld(Settings(home=home))
    assert report.run(report.Params(release=NAME, workflow_status="Failed"), world).report_url == "none"
    assert "slipway run" in capsys.readouterr().out
    assert "registry" not in vars(world), "MLflow was not even imported for it"
    assert list(home.iterdir()) == []


def test_it_waits_until_finish_has_undone_what_was_open(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    staging = Environment.STAGING
    intent = Intent(release="r", action="deploy", target=None, before=None)
    memory.records[staging] = memory.record(staging).opened(intent)
    asked = 0
    read = memory.record

    def record(environment: Environment) -> Any:
        nonlocal asked
        asked += 1
        if asked == 6:
            memory.records[staging] = read(staging).closed()
        return read(environment)

    memory.record = record  # type: ignore[method-assign]
    report._wait_until_undone("another", memory.world(), poll=0.0)
    assert asked == 3
    report._wait_until_undone("r", memory.world(), poll=0.0)
    assert asked == 9
    monkeypatch.setattr(report, "UNDO_TIMEOUT", 0.0)
    memory.records[staging] = read(staging).opened(intent)
    report._wait_until_undone("r", memory.world(), poll=0.0)


def test_a_program_that_fails_is_named(cluster: Cluster, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(cluster, "normal")
    monkeypatch.setattr(report, "PROGRAM", "no_such_module")
    world = LazyWorld(Settings(home=home, platform="kubernetes"))
    with pytest.raises(BadInput, match=r"writes the report ended with exit code 1: .*No module named no_such_module"):
        report.run(report.Params(release=NAME, workflow_status="Succeeded"), world)
