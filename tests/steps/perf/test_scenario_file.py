"""The file of scenarios: what is read, and what is refused before anything starts."""

import json
from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import MODES, PerfScenario
from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios

EXAMPLE = """{
  "mode": "PIPELINE_RUN",
  "startTime": 0,
  "runTime": 10,
  "numTimes": 5,
  "pipelineFileName": "training_pipeline.yaml",
  "concurrency": 3,
  "resourceLimits": {
    "cpu": "2",
    "memory": "4Gi"
  }
}"""
"""The example of Kubeflow's proposal, word for word."""


def read(tmp_path: Path, text: str | bytes) -> list[PerfScenario]:
    path = tmp_path / "scenario.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_scenarios(path, MODES)


def changed(**fields: object) -> str:
    return json.dumps({key: value for key, value in (json.loads(EXAMPLE) | fields).items() if value is not None})


def test_the_proposal_s_own_example(tmp_path: Path) -> None:
    (scenario,) = read(tmp_path, EXAMPLE)
    assert (scenario.num_times, scenario.concurrency, scenario.run_time, scenario.target) == (5, 3, 10, "local")
    assert scenario.resource_limits.cores == 2
    assert scenario.resource_limits.memory_bytes == 4 * 2**30


def test_a_list_and_what_a_kind_fills_in(tmp_path: Path) -> None:
    text = f"[{changed(numTimes=None, concurrency=None, kind='load')}, {changed(kind='smoke', numTimes=4)}]"
    load, smoke = read(tmp_path, text)
    assert (load.num_times, load.concurrency) == (20, 5)
    assert (smoke.num_times, smoke.concurrency) == (4, 3), "what is written stays"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (scenario,) = read(tmp_path, changed(datasetMiB=7, limits={"cpu": 0.2}))
    assert read(tmp_path, scenario.model_dump_json(by_alias=True)) == [scenario]
    (load,) = read(tmp_path, changed(kind="load", numTimes=None, concurrency=None))
    assert PerfScenario.model_validate_json(load.model_dump_json()) == load, "as stored sessions hold it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no scenario"),
        ("7", "a scenario is a JSON object"),
        ('{"mode": "PIPELINE_RUN", "mode": "EXPERIMENT"}', "'mode' stands twice"),
        ('{"runTime": NaN}', "NaN is no number"),
        (changed(numtimes=3), "did you mean numTimes?"),
        (changed(resourceLimits={"cpus": "2"}), "did you mean cpu?"),
        (changed(mode="PIPLINE_RUN"), "did you mean PIPELINE_RUN?"),
        (changed(mode=["PIPELINE_RUN", "EXPERIMENT"]), "mode: "),
        (changed(mode=None), "mode: Field required"),
        (changed(startTime=-1), "startTime: "),
        (changed(runTime=0), "runTime: "),
        (changed(runTime=10).replace("10", "1e999"), "runTime: "),
        (changed(numTimes=0), "numTimes: "),
        (changed(concurrency=6), "concurrency 6 is more than numTimes 5"),
        (changed(numTimes=1001), "allowMore"),
        (changed(numTimes=100, concurrency=51), "allowMore"),
        (changed(requestsPerSecond=101), "allowMore"),
        (changed(intervalSeconds=0.99), "allowMore"),
        (changed(resourceLimits={"cpu": "two"}), "no quantity"),
        (changed(resourceLimits={"memory": "0"}), "not above 0"),
        (changed(resourceLimits={"memory": "-1Gi"}), "not above 0"),
        (changed(resourceLimits={"memory": "NaN"}), "not above 0"),
        (changed(resourceLimits={"memory": "100m"}), "less than 1Mi"),
        (changed(resourceLimits={"cpu": "0.5m"}), "less than 0.01 cores"),
        (changed(resourceLimits={"memory": "1e999999999"}), "more than any machine has"),
        (changed(pipelineFileName=None), "needs pipelineFileName"),
        (changed(environment="production"), "environment production"),
        (changed(mode="RANDOM_GETS", environment="production"), "environment production"),
        (changed(limits={"speed": 1}), "limits: nothing is measured as 'speed'"),
        (changed(limits={"p99 ms": 1}), "limits: nothing is measured as 'p99 ms'"),
        (changed(thresholds={"p99 ms": 1}), "thresholds: nothing is measured as 'p99 ms'"),
        (changed(mode="RANDOM_GETS", thresholds={"p99": 1}), "did you mean p99 ms?"),
        (changed(mode="SCHEDULED_RUNS", thresholds={"Lateness max": 1}), "did you mean lateness max s"),
        (changed(thresholds={"knee runs at a time": 4}), "nothing is measured as 'knee runs at a time'"),
        (changed(mode="RANDOM_GETS", thresholds={"p99 ms": -1}), "not above 0"),
        (changed(thresholds={"cpu": 0}), "not above 0"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "field",
    [
        *("startTime", "runTime", "numTimes", "concurrency", "warmUp", "requestsPerSecond"),
        *("intervalSeconds", "datasetMiB", "seed", "maxErrorRate"),
    ],
)
@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_no_number(tmp_path: Path, field: str, value: bool) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, changed(**{"allowMore": True, field: value}))
    assert f"{field}: {str(value).lower()} is no number" in str(caught.value)


@pytest.mark.parametrize("field", ["limits", "thresholds"])
def test_a_boolean_is_no_number_of_a_metric(tmp_path: Path, field: str) -> None:
    with pytest.raises(BadInput, match=rf"{field}\.cpu: true is no number"):
        read(tmp_path, changed(**{field: {"cpu": True}}))


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"cpu": "2x"}, "resourceLimits.cpu: '2x' is no quantity of Kubernetes"),
        ({"memory": ""}, ""),
        ({"memory": 4}, "resourceLimits.memory: Input should be a valid string"),
    ],
)
def test_a_quantity_that_is_none_is_told_in_one_line(tmp_path: Path, limits: dict[str, object], told: str) -> None:
    if not told:
        assert read(tmp_path, changed(resourceLimits=limits))[0].resource_limits.memory_bytes is None
        return
    with pytest.raises(BadInput) as caught:
        read(tmp_path, changed(resourceLimits=limits))
    assert caught.value.args[0] == f"{tmp_path / 'scenario.json'}: {told}"


def test_which_scenario_of_a_list_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="scenario 2: "):
        read(tmp_path, f"[{EXAMPLE}, {changed(runTime=-1)}]")


def test_the_caps_can_be_lifted(tmp_path: Path) -> None:
    assert read(tmp_path, changed(numTimes=2000, allowMore=True))[0].most_runs == 2000
    assert read(tmp_path, changed(numTimes=None, concurrency=None, allowMore=True))[0].most_runs is None
    assert read(tmp_path, changed(intervalSeconds=0.02, allowMore=True))[0].interval_seconds == 0.02


def test_the_caps_hold_where_nothing_is_said(tmp_path: Path) -> None:
    assert read(tmp_path, changed(numTimes=None, concurrency=None))[0].most_runs == 1000
    assert read(tmp_path, changed(intervalSeconds=1))[0].interval_seconds == 1


def test_production_allows_one_request_a_second(tmp_path: Path) -> None:
    fields = {"mode": "RANDOM_GETS", "environment": "production", "requestsPerSecond": 1, "pipelineFileName": None}
    assert read(tmp_path, changed(**fields))[0].environment == "production"


def test_the_file_of_a_pipeline(tmp_path: Path) -> None:
    (tmp_path / "training_pipeline.yaml").write_text("kind: Workflow\n")
    (scenario,) = read(tmp_path, EXAMPLE)
    assert find_pipeline(scenario, tmp_path) == tmp_path / "training_pipeline.yaml"
    (misspelt,) = read(tmp_path, changed(pipelineFileName="trainig_pipeline.yml"))
    with pytest.raises(BadInput, match=r"did you mean training_pipeline\.yaml\?"):
        find_pipeline(misspelt, tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_scenarios(tmp_path / "none.json", MODES)


@pytest.mark.parametrize(
    ("mode", "kind", "thresholds"),
    [
        ("RANDOM_GETS", "", {"p99 ms": 250, "requests/s": 9, "error rate": 0}),
        ("SCHEDULED_RUNS", "", {"lateness max s": 2, "firings missed": 0, "end-to-end": 10}),
        ("LARGE_DATASET", "", {"throughput MiB/s": 80}),
        ("PIPELINE_RUN", "stress", {"knee runs at a time": 4}),
    ],
)
def test_thresholds_of_what_a_mode_measures(tmp_path: Path, mode: str, kind: str, thresholds: dict[str, float]) -> None:
    (scenario,) = read(tmp_path, changed(mode=mode, kind=kind, thresholds=thresholds))
    assert scenario.thresholds == thresholds
