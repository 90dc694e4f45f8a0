"""Sessions of performance tests on real MLflow: on its database without a server, and by REST on its server."""

import time
from pathlib import Path

import pytest

from slipway_steps.adapters.mlflow.measurements import EXPERIMENT, MlflowMeasurements
from slipway_steps.domain.errors import BadInput, RegistryError
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, PerfSession, RunOutcome, RunSample
from slipway_steps.settings import Settings


@pytest.fixture(scope="module", params=["database", "server"])
def measurements(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MlflowMeasurements:
    uri = request.getfixturevalue("mlflow_server").url if request.param == "server" else ""
    return MlflowMeasurements(Settings(home=tmp_path_factory.mktemp("measurements") / "home", tracking_uri=uri))


def session(name: str, scenario: str, *, cpu: str = "c", started: float = 0, seconds: float = 1.5) -> PerfSession:
    runs = [
        RunSample(
            run=f"{name}-{number}",
            started=started + number,
            outcome=RunOutcome.SUCCEEDED if number else RunOutcome.FAILED,
            metrics={"end-to-end": seconds + number / 10, "cpu": 0.5} if number else {},
            components={"load": 0.25, "train (1)": 1.0} if number else {},
        )
        for number in range(4)
    ]
    return PerfSession(
        name=name,
        scenario=PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="p.yaml"),
        scenario_digest=scenario,
        revision="v1",
        fingerprint=Fingerprint(
            cpu=cpu, cores=2, memory_bytes=1, kernel="6", python="3.11", target="local", target_version="1"
        ),
        started=started or time.time(),
        finished=time.time(),
        runs=runs,
        measures={"throughput MiB/s (50 %)": 3.5, "nonsense": float("inf")},
    )


def test_a_session_comes_back_with_all_its_samples(measurements: MlflowMeasurements, tmp_path: Path) -> None:
    stored = session("perf-aaaaa", "digest-a")
    stored = stored.model_copy(update={"measures": {"throughput MiB/s": 3.5}})
    page = tmp_path / "report.html"
    page.write_text("<p>seen</p>")
    assert EXPERIMENT in measurements.save(stored, [page])
    assert measurements.sessions("digest-a") == [stored]
    assert measurements.sessions("digest-unknown") == []


def test_mlflow_shows_the_medians_and_the_file(measurements: MlflowMeasurements, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<p>seen</p>")
    measurements.save(session("perf-bbbbb", "digest-b"), [page])
    client = measurements.connection.mlflow_client
    experiment = client.get_experiment_by_name(EXPERIMENT)
    (run,) = [
        one
        for one in client.search_runs([experiment.experiment_id])
        if one.data.tags["slipway.perf.session"] == "perf-bbbbb"
    ]
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {
        "end-to-end": pytest.approx(1.7),
        "cpu": 0.5,
        "step/load": 0.25,
        "step/train _1_": 1.0,
        "succeeded": 0.75,
        "throughput MiB/s _50 __": 3.5,
    }
    assert run.data.tags["slipway.perf.revision"] == "v1"
    assert [one.path for one in client.list_artifacts(run.info.run_id, "report")] == ["report/report.html"]
    assert not list(Path(measurements.connection.settings.home).rglob("*.pkl"))


def test_sessions_are_given_in_the_order_of_time_of_one_machine_or_of_all(measurements: MlflowMeasurements) -> None:
    for number, (name, cpu) in enumerate((("perf-c1", "x"), ("perf-c2", "y"), ("perf-c3", "x"), ("perf-c4", "x"))):
        measurements.save(session(name, "digest-c", cpu=cpu, started=1000.0 + number))
    own = session("perf-c0", "digest-c", cpu="x").fingerprint.digest
    assert [one.name for one in measurements.sessions("digest-c")] == ["perf-c1", "perf-c2", "perf-c3", "perf-c4"]
    assert [one.name for one in measurements.sessions("digest-c", own)] == ["perf-c1", "perf-c3", "perf-c4"]
    assert [one.name for one in measurements.sessions("digest-c", own, most=2)] == ["perf-c3", "perf-c4"]


def test_a_baseline_is_made_of_sessions_and_can_be_unmade(measurements: MlflowMeasurements) -> None:
    for number in range(3):
        measurements.save(session(f"perf-d{number}", "digest-d", started=1000.0 + number))
    assert measurements.baseline("digest-d") == []
    for name in ("perf-d2", "perf-d0"):
        measurements.set_baseline(name, True)
    assert [one.name for one in measurements.baseline("digest-d")] == ["perf-d0", "perf-d2"]
    measurements.set_baseline("perf-d0", False)
    assert [one.name for one in measurements.baseline("digest-d")] == ["perf-d2"]
    with pytest.raises(BadInput, match="no stored session 'perf-zzz'"):
        measurements.set_baseline("perf-zzz", True)


def test_saving_a_session_again_replaces_it(measurements: MlflowMeasurements) -> None:
    measurements.save(session("perf-e", "digest-e"))
    measurements.set_baseline("perf-e", True)
    later = session("perf-e", "digest-e").model_copy(update={"measures": {}, "notes": ["again"]})
    measurements.save(later)
    assert measurements.sessions("digest-e") == [later]
    assert measurements.baseline("digest-e") == [later]


def test_a_damaged_session_is_said_and_one_without_samples_is_left_out(measurements: MlflowMeasurements) -> None:
    measurements.save(session("perf-f", "digest-f"))
    client = measurements.connection.mlflow_client
    experiment = client.get_experiment_by_name(EXPERIMENT)
    tags = {"slipway.perf.session": "perf-g", "slipway.perf.scenario": "digest-g"}
    client.create_run(experiment.experiment_id, tags=tags)
    assert measurements.sessions("digest-g") == []
    wanted = "tags.`slipway.perf.session` = 'perf-f'"
    (run,) = client.search_runs([experiment.experiment_id], wanted)
    client.log_text(run.info.run_id, "{", "samples/session.json")
    with pytest.raises(RegistryError, match="damaged"):
        measurements.sessions("digest-f")


def test_reading_where_nothing_was_measured_writes_nothing(tmp_path: Path) -> None:
    found = MlflowMeasurements(Settings(home=tmp_path / "home"))
    assert found.sessions("digest") == []
    assert found.baseline("digest") == []
    assert not (tmp_path / "home").exists()


def test_a_server_that_is_down_is_said(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, tracking_uri="http://127.0.0.1:9", mlflow_retries=0)
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9: baseline failed"):
        MlflowMeasurements(settings).baseline("digest")
