"""Faults that people make in deployments, each as a change of objects that have none.

The first fifteen were planted into a chart by hand before the validator was written; schemas and checkov's policies did
not see six of them.
"""

import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from slipway_workflows.findings.shapes import dicts, mapping
from slipway_workflows.validation.objects import LONG_RUNNING, KubeObject, Objects, PodTemplate
from slipway_workflows.validation.places import FilePlace

Object = dict[str, Any]


class CannotPlant(Exception):
    """These objects have no place for the fault."""


class Ground:
    """Copies of objects, which a fault changes."""

    def __init__(self, objects: list[KubeObject], file: str) -> None:
        place = FilePlace(file)
        self.objects = [replace(one, manifest=copy.deepcopy(one.manifest), place=place) for one in objects]
        self.place = place
        together = Objects(self.objects)
        served = [(service, pod) for service in together.of("Service") for pod in together.behind(service)]
        own = [pod for pod in together.pods if pod.owner.kind in LONG_RUNNING and pod.containers]
        known = [pair for pair in served if any(pair[1].owner is pod.owner for pod in own)]
        if not own:
            raise CannotPlant("there is no Deployment, StatefulSet or DaemonSet")
        self.pod: PodTemplate = known[0][1] if known else own[0]
        self._service = known[0][0] if known else None

    @property
    def workload(self) -> KubeObject:
        """A workload, if possible one that a Service selects."""
        return self.pod.owner

    @property
    def container(self) -> Object:
        """Its first container."""
        found: Object = self.pod.body["spec"]["containers"][0]
        return found

    @property
    def service(self) -> KubeObject:
        """A Service that selects it. Raises CannotPlant where there is none."""
        if self._service is None:
            raise CannotPlant("no Service selects a workload")
        return self._service

    def add(self, api: str, kind: str, name: str, **more: Any) -> None:
        """Add an object to the workload's namespace."""
        metadata = {"name": name, **({"namespace": self.workload.namespace} if self.workload.namespace else {})}
        manifest = {"apiVersion": api, "kind": kind, "metadata": metadata, **more}
        self.objects.append(KubeObject(manifest, self.place, self.workload.default_namespace))

    def remove(self, *kinds: str) -> None:
        """Remove all objects of these kinds."""
        self.objects = [one for one in self.objects if one.kind not in kinds]


@dataclass(frozen=True)
class PlantedFault:
    """A fault. code: what the validator has to say of it. plant: makes it; may raise CannotPlant."""

    name: str
    code: str
    plant: Callable[[Ground], None]


def _typo(ground: Ground) -> None:
    ground.container["imagePulPolicy"] = "Always"


def _old_api(ground: Ground) -> None:
    ground.workload.manifest["apiVersion"] = "extensions/v1beta1"


def _no_limits(ground: Ground) -> None:
    ground.container.pop("resources", None)


def _root(ground: Ground) -> None:
    ground.container["securityContext"] = {**mapping(ground.container.get("securityContext")), "runAsUser": 0}


def _latest(ground: Ground) -> None:
    ground.container["image"] = "registry.example/app:latest"


def _no_probes(ground: Ground) -> None:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        ground.container.pop(probe, None)


def _privileged(ground: Ground) -> None:
    ground.container["securityContext"] = {**mapping(ground.container.get("securityContext")), "privileged": True}


def _variable(ground: Ground, name: str, value: Object) -> None:
    ground.container["env"] = [*dicts(ground.container.get("env")), {"name": name, **value}]


def _inline_secret(ground: Ground) -> None:
    _variable(ground, "API_TOKEN", {"value": secrets.token_hex(20)})


def _selector_mismatch(ground: Ground) -> None:
    if ground.workload.kind not in LONG_RUNNING:
        raise CannotPlant("the workload has no selector")
    ground.workload.manifest["spec"]["selector"] = {"matchLabels": {"app": "slipway-planted"}}


def _resources(ground: Ground, **sections: Object) -> None:
    given = mapping(ground.container.get("resources"))
    ground.container["resources"] = {**given, **{k: {**mapping(given.get(k)), **v} for k, v in sections.items()}}


def _bad_quantity(ground: Ground) -> None:
    _resources(ground, limits={"memory": "2GB"})


def _request_over_limit(ground: Ground) -> None:
    _resources(ground, requests={"memory": "2Gi"}, limits={"memory": "1Gi"})


def _selects_nothing(ground: Ground) -> None:
    ground.service.manifest["spec"]["selector"] = {"app": "slipway-planted"}


def _scaler(ground: Ground, name: str, metric: str = "cpu") -> None:
    target = {"apiVersion": ground.workload.manifest["apiVersion"], "kind": ground.workload.kind, "name": name}
    resource = {"name": metric, "target": {"type": "Utilization", "averageUtilization": 70}}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
    spec["metrics"] = [{"type": "Resource", "resource": resource}]
    ground.add("autoscaling/v2", "HorizontalPodAutoscaler", "slipway-planted", spec=spec)


def _dangling_autoscaler(ground: Ground) -> None:
    _scaler(ground, "slipway-planted")


def _unknown_target_port(ground: Ground) -> None:
    ports = dicts(ground.service.spec.get("ports"))
    if not ports:
        raise CannotPlant("the Service has no port")
    ports[0]["targetPort"] = "slipway-planted"


def _budget(ground: Ground, selector: Object) -> None:
    ground.add("policy/v1", "PodDisruptionBudget", "slipway-planted", spec={"minAvailable": 1, "selector": selector})


def _one_replica_under_a_budget(ground: Ground) -> None:
    if ground.workload.kind == "DaemonSet":
        raise CannotPlant("a DaemonSet has no replicas")
    ground.remove("PodDisruptionBudget", "HorizontalPodAutoscaler")
    ground.workload.manifest["spec"]["replicas"] = 1
    _budget(ground, {"matchLabels": dict(ground.pod.labels)})


def _example_key(ground: Ground) -> None:
    _variable(ground, "AWS_ACCESS_KEY_ID", {"value": "AKIA" + "IOSFODNN7EXAMPLE"})


def _secret_in_the_sources(ground: Ground) -> None:
    ground.add("v1", "Secret", "slipway-planted", stringData={"password": secrets.token_hex(20)})


def _dangling_budget(ground: Ground) -> None:
    _budget(ground, {"matchLabels": {"app": "slipway-planted"}})


def _route(ground: Ground, name: str, backend: str, port: Any) -> None:
    rules = [{"backendRefs": [{"name": backend, "port": port}]}]
    spec = {"parentRefs": [{"name": "gateway"}], "hostnames": ["planted.example"], "rules": rules}
    ground.add("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec=spec)


def _dangling_route(ground: Ground) -> None:
    _route(ground, "slipway-planted", "slipway-planted", 80)


def _two_routes(ground: Ground) -> None:
    port = dicts(ground.service.spec.get("ports"))[0].get("port")
    _route(ground, "slipway-planted", ground.service.name, port)
    _route(ground, "slipway-planted-too", ground.service.name, port)


def _shut_out(ground: Ground) -> None:
    service = ground.service
    ground.remove("NetworkPolicy")
    pod = copy.deepcopy(ground.pod.body)
    pod["metadata"] = {"labels": {"app": "slipway-planted"}}
    pod["spec"]["containers"][0]["env"] = [{"name": "APP_URL", "value": f"http://{service.name}:80"}]
    ground.add("v1", "Pod", "slipway-planted", **{"spec": pod["spec"]})
    ground.objects[-1].manifest["metadata"]["labels"] = pod["metadata"]["labels"]
    others = [{"from": [{"podSelector": {"matchLabels": {"app": "somebody-else"}}}]}]
    spec = {"podSelector": {"matchLabels": dict(ground.pod.labels)}, "policyTypes": ["Ingress"], "ingress": others}
    ground.add("networking.k8s.io/v1", "NetworkPolicy", "slipway-planted", spec=spec)


def _missing_key(ground: Ground) -> None:
    ground.add("v1", "ConfigMap", "slipway-planted", data={"there": "1"})
    _variable(ground, "PLANTED", {"valueFrom": {"configMapKeyRef": {"name": "slipway-planted", "key": "missing"}}})


def _unknown_volume(ground: Ground) -> None:
    mount = {"name": "slipway-planted", "mountPath": "/planted"}
    ground.container["volumeMounts"] = [*dicts(ground.container.get("volumeMounts")), mount]


def _unknown_probe_port(ground: Ground) -> None:
    ground.container["readinessProbe"] = {"httpGet": {"path": "/", "port": "slipway-planted"}}


def _duplicate(ground: Ground) -> None:
    ground.objects.append(replace(ground.workload, manifest=copy.deepcopy(ground.workload.manifest)))


def _autoscaler_without_request(ground: Ground) -> None:
    ground.remove("HorizontalPodAutoscaler")
    ground.container["resources"] = {"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    _scaler(ground, ground.workload.name)


FAULTS = (
    PlantedFault("typo", "SD001", _typo),
    PlantedFault("old API version", "SD002", _old_api),
    PlantedFault("no limits", "SD116", _no_limits),
    PlantedFault("root", "SD117", _root),
    PlantedFault("image :latest", "SD118", _latest),
    PlantedFault("no probes", "SD119", _no_probes),
    PlantedFault("privileged", "SD120", _privileged),
    PlantedFault("random secret", "SD108", _inline_secret),
    PlantedFault("selector mismatch", "SD103", _selector_mismatch),
    PlantedFault("bad quantity", "SD101", _bad_quantity),
    PlantedFault("request over limit", "SD102", _request_over_limit),
    PlantedFault("Service selects nothing", "SD107", _selects_nothing),
    PlantedFault("dangling autoscaler", "SD105", _dangling_autoscaler),
    PlantedFault("unknown target port", "SD104", _unknown_target_port),
    PlantedFault("one replica under a budget", "SD106", _one_replica_under_a_budget),
    PlantedFault("documented example key", "SD108", _example_key),
    PlantedFault("Secret in the sources", "SD108", _secret_in_the_sources),
    PlantedFault("dangling budget", "SD105", _dangling_budget),
    PlantedFault("dangling route", "SD105", _dangling_route),
    PlantedFault("two routes for one host", "SD109", _two_routes),
    PlantedFault("policy shuts out its client", "SD110", _shut_out),
    PlantedFault("missing key", "SD111", _missing_key),
    PlantedFault("unknown volume", "SD112", _unknown_volume),
    PlantedFault("unknown probe port", "SD113", _unknown_probe_port),
    PlantedFault("duplicate object", "SD114", _duplicate),
    PlantedFault("autoscaler without request", "SD115", _autoscaler_without_request),
)
