"""The registry on real MLflow: on its database without a server, and by REST on its server."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from steps.release.fakes import FakeWorld

from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, Refused, RegistryError
from slipway_steps.domain.journal import Intent, Record
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_steps.release import register
from slipway_steps.settings import Settings


@pytest.fixture(scope="module", params=["database", "server"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowRegistry]:
    uri = request.getfixturevalue("mlflow_server").url if request.param == "server" else ""
    yield MlflowRegistry(Settings(home=tmp_path_factory.mktemp("registry") / "home", tracking_uri=uri))


@pytest.fixture(scope="module")
def run_id(registry: MlflowRegistry, trained_package: Path) -> str:
    return registry.log_package("release-a", trained_package)


def report(gate: Gate, verdict: Verdict, version: str = "", digest: str = "", release: str = "release-a") -> GateReport:
    return GateReport(
        gate=gate,
        candidate=Candidate(version=version, digest=digest),
        release=release,
        verdict=verdict,
        checks=[Check(code="c", verdict=verdict, message="m")],
        started_at=time.time(),
        finished_at=time.time(),
    )


def test_a_package_comes_back_as_it_was_and_mlflow_runs_it(
    registry: MlflowRegistry, run_id: str, trained_package: Path, tmp_path: Path
) -> None:
    found = registry.download_package(run_id, tmp_path)
    for path in sorted(trained_package.rglob("*")):
        if path.is_file():
            assert (found / path.relative_to(trained_package)).read_bytes() == path.read_bytes()
    run = registry.connection.mlflow_client.get_run(run_id)
    assert run.data.metrics["holdout_accuracy"] > 0.9
    assert run.data.params["architecture"] == "mobilenet_v2"
    assert not list((registry.connection.settings.home / "mlflow").rglob("*.pkl"))
    import mlflow
    import numpy

    model = mlflow.pyfunc.load_model(run.data.tags["slipway.model_uri"])
    assert model.metadata.signature is not None
    answer = model.predict(numpy.zeros((2, 3, 24, 24), numpy.float32))
    assert answer.shape == (2, 10)
    assert numpy.allclose(answer.sum(axis=1), 1, atol=1e-4)


def test_a_run_holds_what_a_model_server_unpacks(
    registry: MlflowRegistry, run_id: str, trained_package: Path, tmp_path: Path
) -> None:
    archive = registry.download_archive(run_id, tmp_path)
    assert archive is not None
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    run = registry.connection.mlflow_client.get_run(run_id)
    assert run.data.tags["slipway.model_archive"] == f"sha256:{digest}"
    with tarfile.open(archive) as opened:
        names = set(opened.getnames())
        model = opened.extractfile("model.onnx")
        assert model is not None
        assert model.read() == (trained_package / "model.onnx").read_bytes()
    assert {"contract.json", "code/inference.py", "code/requirements.txt", "payloads/images.json"} <= names
    assert not names & {"holdout.npz", "samples", "metrics.json"}, "what only the release reads is not for a server"


def test_a_run_without_a_handler_has_no_archive(
    registry: MlflowRegistry, trained_package: Path, tmp_path: Path
) -> None:
    package = shutil.copytree(trained_package, tmp_path / "package", ignore=shutil.ignore_patterns("code"))
    run_id = registry.log_package("release-without-handler", package)
    assert registry.download_archive(run_id, tmp_path) is None
    assert not (registry.download_package(run_id, tmp_path / "again") / "code").exists()


def test_only_what_passed_is_registered_and_once(registry: MlflowRegistry, run_id: str) -> None:
    world = FakeWorld(registry.connection.settings, registry)
    params = register.Params(run_id=run_id, release="release-a")
    with pytest.raises(Refused, match="never ran"):
        register.run(params, world)
    registry.save_report(run_id, report(Gate.EVALUATION, Verdict.REJECT))
    with pytest.raises(Refused, match="reject"):
        register.run(params, world)
    assert registry.alias("development") is None
    registry.save_report(run_id, report(Gate.EVALUATION, Verdict.PASS))
    with pytest.raises(Refused, match="handler: never ran"):
        register.run(params, world)
    registry.save_report(run_id, report(Gate.HANDLER, Verdict.REJECT))
    with pytest.raises(Refused, match="handler: reject"):
        register.run(params, world)
    assert registry.alias("development") is None
    registry.save_report(run_id, report(Gate.HANDLER, Verdict.PASS))
    version = register.run(params, world).model_version
    assert register.run(params, world).model_version == version == registry.alias("development")
    found = [(one.gate, one.verdict, one.digest) for one in registry.evidence(version)]
    assert found == [(Gate.EVALUATION, Verdict.PASS, ""), (Gate.HANDLER, Verdict.PASS, "")]
    with pytest.raises(Refused, match="no image"):
        registry.candidate(version)
    registry.set_image(version, "sha256:abc", "r1")
    assert registry.candidate(version) == Candidate(version=version, digest="sha256:abc", revision="r1")
    assert [one.digest for one in registry.evidence(version)] == ["sha256:abc"] * 2
    assert register.run(params, world).model_version == version
    assert [one.digest for one in registry.evidence(version)] == ["sha256:abc"] * 2, "the image is forgotten"
    registry.save_report(None, report(Gate.LOAD, Verdict.PASS, version, "sha256:abc"))
    registry.save_report(None, report(Gate.LOAD, Verdict.REJECT, version, "sha256:abc"))
    assert {e.gate: e.verdict for e in registry.evidence(version)}[Gate.LOAD] is Verdict.REJECT, "not revoked"
    assert [r.gate for r in registry.reports("release-a")] == [Gate.EVALUATION, Gate.HANDLER, Gate.LOAD]


def test_aliases_and_journal(registry: MlflowRegistry) -> None:
    assert registry.record(Environment.CANARY) == Record()
    candidate = Candidate(version="1", digest="sha256:" + "a" * 64, revision="r" * 40)
    record = Record(current=candidate, passed=(candidate,) * 1).opened(
        Intent(release="r", action="deploy", target=candidate, before=None, reason="'; --")
    )
    registry.write_record(Environment.CANARY, record)
    assert registry.record(Environment.CANARY) == record
    registry.delete_alias("nobody")
    full = Record()
    for number in range(40):
        full = full.confirmed(candidate.model_copy(update={"version": str(number)}))
    registry.write_record(Environment.CANARY, full)
    assert len(registry.record(Environment.CANARY).passed) == 20


def test_reading_makes_no_run(registry: MlflowRegistry, run_id: str) -> None:
    experiment = registry.connection.experiment
    before = len(registry.client.search_runs([experiment]))
    assert registry.reports("never-released") == []
    assert len(registry.client.search_runs([experiment])) == before


def test_reading_on_a_machine_that_released_nothing_writes_nothing(tmp_path: Path) -> None:
    registry = MlflowRegistry(Settings(home=tmp_path / "home"))
    assert registry.record(Environment.STAGING) == Record()
    assert registry.alias("staging") is None
    assert registry.reports("a-release") == []
    for read in (registry.run_of, registry.candidate, registry.evidence):
        with pytest.raises(BadInput, match="no version '1'"):
            read("1")
    with pytest.raises(BadInput, match="no run"):
        registry.download_package("0" * 32, tmp_path / "package")
    assert not (tmp_path / "home").exists()


def test_unknown_things_are_named(registry: MlflowRegistry, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no version '77'"):
        registry.run_of("77")
    with pytest.raises(BadInput, match="no run"):
        registry.download_package("0" * 32, tmp_path)
    with pytest.raises(BadInput, match="quote"):
        registry.reports("it's")


def test_a_damaged_journal_is_said(registry: MlflowRegistry) -> None:
    registry.write_record(Environment.PRODUCTION, Record())
    registry.client.set_registered_model_tag(registry.model, "slipway.journal.production", "{")
    with pytest.raises(RegistryError, match="damaged"):
        registry.record(Environment.PRODUCTION)


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(RegistryError, match=r"mlflow\.db"):
        MlflowRegistry(Settings(home=tmp_path)).alias("staging")


@pytest.mark.acceptance
def test_two_processes_make_the_database_at_the_same_time(tmp_path: Path) -> None:
    code = (
        "from slipway_steps.adapters.mlflow.registry import MlflowRegistry as R;"
        "from slipway_steps.settings import Settings as S; from pathlib import Path;"
        "from slipway_steps.domain.environment import Environment as E;"
        "from slipway_steps.domain.journal import Record;"
        f"R(S(home=Path({str(tmp_path)!r}))).write_record(E.STAGING, Record())"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=90)
        assert process.returncode == 0, err


def test_a_database_that_a_killed_process_left_half_made_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db.partial").write_bytes(b"half a database")
    MlflowRegistry(Settings(home=tmp_path)).prepare_log()
    assert not (tmp_path / "mlflow" / "mlflow.db.partial").exists()
