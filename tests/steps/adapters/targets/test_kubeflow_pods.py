"""What Kubeflow Pipelines' own API does not tell of a run: from the pods of its cluster."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kube_rbac import service_account
from steps.adapters.targets.pipelines import SESSION, compiled, scenario

from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.adapters.targets.kubeflow import BY_PODS, KubeflowTarget
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.settings import Settings

pytest.importorskip("kfp_server_api", reason="kfp-server-api is not installed (pip install -e .[kfp])")
if TYPE_CHECKING:
    from kubeflow_pods import PlayedPods
    from kubeflow_server import Kubeflow


def measured(server: "Kubeflow", tmp_path: Path, **settings: Any) -> tuple[KubeflowTarget, RunSample]:
    """A run of two tasks of 1.1 s each."""
    target = KubeflowTarget(Settings(kfp_url=server.url, **settings), RetryPolicy(attempts=1))
    target.prepare(SESSION, scenario(parameters={"seconds": "1.1"}), compiled(tmp_path))
    try:
        run = target.submit({})
        assert target.wait(run, time.time() + 20)
        sample = target.read(run)
    finally:
        target.remove(SESSION)
    assert sample.outcome is RunOutcome.SUCCEEDED
    return target, sample


def on_cluster(pods: "PlayedPods", tmp_path: Path, user: str = "") -> dict[str, str]:
    kubeconfig = pods.objects.kubeconfig(tmp_path / "kubeconfig", user)
    return {"KUBECONFIG": str(kubeconfig), "kfp_pods_namespace": "kubeflow"}


def test_the_pods_of_its_tasks_tell_what_the_api_does_not(
    kubeflow: "Kubeflow", kubeflow_pods: "PlayedPods", tmp_path: Path
) -> None:
    target, sample = measured(kubeflow, tmp_path, **on_cluster(kubeflow_pods, tmp_path))
    assert set(BY_PODS) <= set(sample.metrics)
    assert not set(BY_PODS) & set(target.unmeasured)
    assert sample.metrics["create-to-schedule"] == 1
    assert sample.metrics["volumes-and-sandbox"] == 1
    assert sample.metrics["schedule-to-run"] == 2
    assert sample.metrics["image-pull"] == pytest.approx(0.4), "of two tasks, and not of their drivers"
    assert sample.metrics["cpu"] == pytest.approx(1.5, abs=0.6), "half a core, by whole seconds"
    assert sample.metrics["memory"] == 64 * 2**20
    assert target.unmeasured["container-start"]
    assert (target.fingerprint().cpu, target.fingerprint().cores) == ("amd64 m5.large", 2)
    assert target.notes == []
    phases = {(one.name, one.component) for one in sample.phases}
    assert {("run", "first"), ("schedule-to-run", "first"), ("image-pull", "second")} <= phases


def test_without_the_namespace_it_is_said_what_to_set(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target, sample = measured(kubeflow, tmp_path)
    assert not set(BY_PODS) & set(sample.metrics)
    assert all("SLIPWAY_KFP_PODS_NAMESPACE" in target.unmeasured[metric] for metric in BY_PODS)
    assert target.fingerprint().cpu == "nodes of unknown kind"
    assert "SLIPWAY_KFP_PODS_NAMESPACE" in target.notes[0]


def test_requests_alone_say_nothing_of_nodes(kubeflow: "Kubeflow") -> None:
    target = KubeflowTarget(Settings(kfp_url=kubeflow.url))
    target.prepare("perf-gets2", PerfScenario(mode="RANDOM_GETS", target="kfp"), None)
    assert target.get("list-runs") == 200
    assert target.notes == []
    target.remove("perf-gets2")


@pytest.mark.parametrize("why", ["no right", "no cluster"])
def test_a_cluster_that_may_not_be_read_costs_no_run(
    kubeflow: "Kubeflow", kubeflow_pods: "PlayedPods", tmp_path: Path, why: str
) -> None:
    settings = on_cluster(kubeflow_pods, tmp_path, service_account("nobody"))
    if why == "no cluster":
        settings["KUBECONFIG"] = str(tmp_path / "no-such-file")
    target, sample = measured(kubeflow, tmp_path, **settings)
    assert sample.components == pytest.approx({"first": 1.1, "second": 1.1}, abs=0.1)
    said = {"no right": "cannot list resource", "no cluster": "no cluster is configured"}[why]
    assert all(said in target.unmeasured[metric] for metric in BY_PODS)
    assert target.fingerprint().cpu == "nodes of unknown kind"
    assert said in target.notes[0]


def test_usage_that_cannot_be_read_is_named(
    kubeflow: "Kubeflow", kubeflow_pods: "PlayedPods", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("much is no quantity")

    monkeypatch.setattr(PodTimes, "see_usage", fails)
    target, _ = measured(kubeflow, tmp_path, **on_cluster(kubeflow_pods, tmp_path))
    assert target.unmeasured["cpu"] == "the usage of pods cannot be read: ValueError('much is no quantity')"


def test_without_metrics_the_other_phases_are_told(
    kubeflow: "Kubeflow", kubeflow_pods: "PlayedPods", tmp_path: Path
) -> None:
    kubeflow_pods.objects.missing.add("metrics.k8s.io/v1beta1")
    target, sample = measured(kubeflow, tmp_path, **on_cluster(kubeflow_pods, tmp_path))
    assert set(BY_PODS) - set(sample.metrics) == {"cpu", "memory"}
    assert "install metrics-server" in target.unmeasured["cpu"]
