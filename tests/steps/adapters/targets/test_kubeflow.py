"""What is special about Kubeflow Pipelines: what is sent to it, and what its API tells of a run."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from steps.adapters.targets.pipelines import SESSION, compiled, scenario

from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.adapters.targets.choice import make_target
from slipway_steps.adapters.targets.kubeflow import KubeflowTarget
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.domain.perf_until import MARGIN
from slipway_steps.perf.clean import clean_target
from slipway_steps.perf_ports import Target
from slipway_steps.settings import Settings

pytest.importorskip("kfp_server_api", reason="kfp-server-api is not installed (pip install -e .[kfp])")
if TYPE_CHECKING:
    from kubeflow_server import Kubeflow


def target_at(server: "Kubeflow") -> Target:
    return make_target("kfp", Settings(kfp_url=server.url))


def submitted(server: "Kubeflow", tmp_path: Path, **more: Any) -> dict[str, Any]:
    target = target_at(server)
    target.prepare(SESSION, scenario(**more), compiled(tmp_path))
    return server.objects["runs"][target.submit({"seconds": "0.25", "code": "0"})]


def test_limits_and_typed_parameters_reach_the_pipeline(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    run = submitted(kubeflow, tmp_path, resourceLimits={"cpu": "2", "memory": "4Gi"})
    container = run["pipeline_spec"]["deploymentSpec"]["executors"]["exec-work"]["container"]
    assert container["resources"] == {"resourceCpuLimit": "2", "resourceMemoryLimit": "4Gi"}
    assert run["runtime_config"]["parameters"] == {"seconds": 0.25, "code": 0}


def test_no_run_takes_its_results_from_a_cache(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    tasks = submitted(kubeflow, tmp_path)["pipeline_spec"]["root"]["dag"]["tasks"]
    assert [task["cachingOptions"] for task in tasks.values()] == [{"enableCache": False}] * 2


def test_a_parameter_of_another_type_is_refused(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'soon' is no NUMBER_DOUBLE"):
        target_at(kubeflow).prepare(SESSION, scenario(parameters={"seconds": "soon"}), compiled(tmp_path))
    assert kubeflow.writes == [], "nothing was started"


def test_drivers_are_no_components(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = target_at(kubeflow)
    target.prepare(SESSION, scenario(parameters={"seconds": "0.3"}), compiled(tmp_path))
    run = target.submit({})
    target.wait(run, time.time() + 10)
    sample = target.read(run)
    assert sample.components == pytest.approx({"first": 0.3, "second": 0.3}, abs=0.05)
    assert sample.metrics["queue"] == pytest.approx(0.05, abs=0.02)
    assert sample.metrics["between-steps"] == pytest.approx(0.02, abs=0.02)
    (seen,) = target.finished(time.time() - 60)
    assert seen.metrics["end-to-end"] == pytest.approx(0.69, abs=0.1)


def test_removal_takes_all_of_a_session_and_nothing_else(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    other = kubeflow.create("experiments", {"display_name": f"{SESSION}6"})
    target = target_at(kubeflow)
    target.prepare(SESSION, scenario(), compiled(tmp_path))
    target.create_experiment("load")
    target.submit({"seconds": "600"})
    target.schedule(60, {})
    assert [name.split()[0] for name in target.remove(SESSION)] == ["recurring", "run", "experiment"]
    assert list(kubeflow.objects["experiments"]) == [other["experiment_id"]]
    assert not kubeflow.objects["runs"]
    assert not kubeflow.objects["recurringruns"]


def test_experiments_tell_until_when_their_session_may_run(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    kubeflow.create("experiments", {"display_name": "of-others", "description": "A performance test of mine."})
    target = target_at(kubeflow)
    target.prepare(SESSION, scenario(runTime=2), compiled(tmp_path))
    assert target.sessions() == {}
    target.submit({"seconds": "600"})
    # as `slipway perf clean` asks, in another program
    assert target_at(kubeflow).sessions() == {SESSION: pytest.approx(time.time() + 120 + MARGIN, abs=30)}
    assert target_at(kubeflow).remove(SESSION)
    assert target.sessions() == {}


def test_an_attempt_that_was_lost_is_removed_before_the_next(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    lost = target_at(kubeflow)
    lost.settings = lost.settings.model_copy(update={"perf_owner": "perf-test-x7k2p"})
    lost.prepare(SESSION, scenario(runTime=2), compiled(tmp_path))
    lost.submit({"seconds": "600"})
    others, again = target_at(kubeflow), target_at(kubeflow)
    others.settings = others.settings.model_copy(update={"perf_owner": "perf-test-other"})
    again.settings = lost.settings
    assert [one.alone[:24] for one in clean_target(others, time.time())] == ["it may still be running,"]
    assert [(one.session, bool(one.removed)) for one in clean_target(again, time.time())] == [(SESSION, True)]
    assert not kubeflow.objects["runs"]


def test_the_machine_of_the_program_is_not_what_runs_are_measured_on(kubeflow: "Kubeflow") -> None:
    found = target_at(kubeflow).fingerprint()
    assert (found.cpu, found.cores, found.kernel, found.target) == ("nodes of unknown kind", 0, "", "kfp")


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="SLIPWAY_KFP_URL"):
        make_target("kfp", Settings())
    target = KubeflowTarget(Settings(kfp_url="http://127.0.0.1:9"), RetryPolicy(attempts=2, first_wait=0.01))
    with pytest.raises(PlatformError) as raised:
        target.prepare(SESSION, scenario(), compiled(tmp_path))
    assert "\n" not in str(raised.value)
