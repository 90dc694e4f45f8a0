"""What a whole installation asks its nodes for, with a release under way: a node of two cores and 6 GiB has to do."""

import re
from typing import Any

import yaml
from argo_pod import step_pod
from rendered_charts import CHARTS, app, platform

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
Requests = tuple[int, int]
"""Millicores and MiB."""
OTHERS: dict[str, Requests] = {
    "Kubernetes on one node of kind: its control plane, CoreDNS twice, its network": (950, 290),
    "metrics-server": (100, 200),
    "Argo Workflows, Argo CD, Argo Events: their installations ask for nothing": (0, 0),
}
"""What is asked for by what Slipway does not install from its own charts, as the manifests of these projects say."""


def quantity(text: str, units: dict[str, float]) -> float:
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text)
    assert found, text
    return float(found[1]) * units[found[2]]


def requests(containers: list[dict[str, Any]]) -> Requests:
    asked = [one.get("resources", {}).get("requests", {}) for one in containers]
    cores = sum(quantity(str(one.get("cpu", "0")), {"": 1000, "m": 1}) for one in asked)
    memory = sum(quantity(str(one.get("memory", "0Mi")), {"Mi": 1, "Gi": 1024}) for one in asked)
    return round(cores), round(memory)


def of_pod(pod: dict[str, Any]) -> Requests:
    """As the scheduler counts: containers together, or the largest init container."""
    alone = [requests([one]) for one in pod.get("initContainers", [])]
    together = requests(pod["containers"])
    return max(together[0], *(one[0] for one in alone), 0), max(together[1], *(one[1] for one in alone), 0)


def services() -> list[Requests]:
    """MLflow and its stores, and the registry."""
    deployments = [one for (kind, _), one in platform().items() if kind == "Deployment"]
    assert len(deployments) == 4
    return [of_pod(one["spec"]["template"]["spec"]) for one in deployments]


def apps() -> list[Requests]:
    """The three environments, and one pod more: a rollout starts the new pod beside the old one."""
    found = []
    for environment in ("staging", "canary", "production"):
        deployment = app(environment)["Deployment"]
        pod = of_pod(deployment["spec"]["template"]["spec"])
        found += [pod] * deployment["spec"]["replicas"]
    return [*found, pod]


def events() -> list[Requests]:
    """The pods of the event bus, the event source and the sensor."""
    bus = yaml.safe_load((MANIFESTS / "eventbus-default.yaml").read_text())["spec"]["jetstream"]
    of_bus = requests([bus[f"{name}ontainerTemplate"] for name in ("c", "metricsC", "reloaderC")])
    ones = [
        yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())["spec"]["template"]["container"]
        for name in ("eventsource-github-push", "sensor-release-on-push")
    ]
    return [of_bus] * bus["replicas"] + [requests([one]) for one in ones]


def steps() -> list[Requests]:
    """The largest pod of a release, and the nightly check, which waits for no release."""
    pods = [
        of_pod(step_pod(manifest["spec"], template))
        for path in MANIFESTS.glob("*.yaml")
        for manifest in [yaml.safe_load(path.read_text())]
        if manifest["kind"] == "WorkflowTemplate" and manifest["metadata"]["name"] != "build-images"
        for template in manifest["spec"]["templates"]
        if "container" in template
    ]
    assert len(pods) > 10
    doctor = yaml.safe_load((MANIFESTS / "doctor.yaml").read_text())["spec"]
    (nightly,) = (of_pod(step_pod(doctor, one)) for one in doctor["templates"] if "container" in one)
    return [(max(one[0] for one in pods), max(one[1] for one in pods)), nightly]


def test_a_node_of_two_cores_takes_the_platform_and_a_release() -> None:
    asked = {"services": services(), "apps": apps(), "events": events(), "steps": steps(), "others": [*OTHERS.values()]}
    cores = {name: sum(one[0] for one in found) for name, found in asked.items()}
    memory = {name: sum(one[1] for one in found) for name, found in asked.items()}
    # a tenth is left to what else a cluster runs
    assert sum(cores.values()) <= 1800, cores
    assert sum(memory.values()) <= 0.9 * 6 * 1024, memory


def test_the_executor_of_argo_asks_for_nothing_more() -> None:
    """Argo adds two containers to each pod of a step; their requests are a setting of its controller."""
    values = yaml.safe_load((CHARTS / "argo-workflows-values.yaml").read_text())
    assert "resources" not in values["executor"]
