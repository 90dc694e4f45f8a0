"""The health service of charts/slipway: what Kubernetes would take, and what its image really does with it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow_server import free_port
from pod_security import violations
from rendered_charts import FOREIGN, deep, slipway, validator

from slipway_steps.settings import PROJECT_ROOT

ON = {"health": {"enabled": True}}


def deployed(more: dict[str, Any] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: one for key, one in slipway(deep(ON, more or {})).items() if key[1] == "slipway-health"}


def test_it_is_off_unless_asked_for() -> None:
    assert {key for key in slipway({}) if key[1] == "slipway-health"} == {("ServiceAccount", "slipway-health")}


def test_kubernetes_takes_all_of_it() -> None:
    found = deployed({"health": {"serviceMonitor": {"enabled": True}}})
    kinds = {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler"}
    assert {key[0] for key in found} == kinds | {"ServiceAccount", "ServiceMonitor"}
    for (kind, _), one in found.items():
        if kind not in FOREIGN:
            validator.validate(one, "1.34", strict=True)


def test_its_pods_are_restricted_and_as_large_as_said() -> None:
    found = deployed()
    pod = found["Deployment", "slipway-health"]["spec"]["template"]
    assert violations(pod["spec"]) == []
    (container,) = pod["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "250m", "memory": "512Mi"},
        "limits": {"cpu": "1000m", "memory": "2Gi"},
    }
    scaled = found["HorizontalPodAutoscaler", "slipway-health"]["spec"]
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (2, 4)
    assert "replicas" not in found["Deployment", "slipway-health"]["spec"], "the autoscaler sets it"
    assert (
        deployed({"health": {"autoscaling": {"enabled": False}}})["Deployment", "slipway-health"]["spec"]["replicas"]
        == 2
    )


def test_service_policy_and_budget_select_its_pods() -> None:
    found = deployed()
    labels = found["Deployment", "slipway-health"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        found["Deployment", "slipway-health"]["spec"]["selector"]["matchLabels"],
        found["Service", "slipway-health"]["spec"]["selector"],
        found["NetworkPolicy", "slipway-health"]["spec"]["podSelector"]["matchLabels"],
        found["PodDisruptionBudget", "slipway-health"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()


def test_other_settings_make_other_pods() -> None:
    def annotation(more: dict[str, Any]) -> str:
        found = deployed(more)["Deployment", "slipway-health"]["spec"]["template"]["metadata"]["annotations"]
        return str(found["slipway.dev/config"])

    assert annotation({}) == annotation({})
    assert annotation({}) != annotation({"config": {"SLIPWAY_APP": "other"}})


def test_its_command_answers_its_probes(tmp_path: Path) -> None:
    (container,) = deployed()["Deployment", "slipway-health"]["spec"]["template"]["spec"]["containers"]
    port = free_port()
    command = [sys.executable, *container["command"][1:], "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT_ROOT / "steps"),
        "SLIPWAY_HOME": str(tmp_path / "home"),
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "/health" in server.stdout.readline()
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = container[probe]["httpGet"]["path"]
            assert requests.get(f"http://127.0.0.1:{port}{path}", timeout=30).status_code == 200
        assert "slipway_health_state" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0


@pytest.mark.parametrize("wrong", [{"replicas": 0}, {"unknown": 1}, {"serviceMonitor": {"namespace": ""}}])
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="health"):
        slipway(deep(ON, {"health": wrong}))
