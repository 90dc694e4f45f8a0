"""What refers to what among objects that are deployed together: selectors, ports, targets, keys."""

import math
from collections.abc import Iterator
from typing import Any

from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping
from slipway_workflows.validation.objects import Fault, KubeObject, Objects, PodTemplate, selects

SELECTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def shown(labels: Any) -> str:
    """Labels as people write them."""
    return ", ".join(f"{key}={value}" for key, value in mapping(labels).items()) or "none"


def selectors(objects: Objects) -> Iterator[Fault]:
    """SD103: workloads that do not select their own pods."""
    for pod in objects.pods:
        selector = mapping(pod.owner.spec.get("selector"))
        if pod.owner.kind in SELECTING and not selects(selector, pod.labels):
            wanted = shown(selector.get("matchLabels"))
            message = f"selects {wanted}, and labels its pods {shown(pod.labels)}"
            yield pod.owner.fault("SD103", ("spec", "selector"), message)


def services(objects: Objects) -> Iterator[Fault]:
    """SD104, SD107: Services without pods, or with a port that no pod has."""
    for service in objects.of("Service"):
        selector = mapping(service.spec.get("selector"))
        if not selector or service.spec.get("type") == "ExternalName":
            continue
        pods = objects.behind(service)
        if not pods:
            message = f"selects no pod template  (labels: {shown(selector)})"
            yield service.fault("SD107", ("spec", "selector"), message)
        for pod in pods:
            for at, port in enumerate(dicts(service.spec.get("ports"))):
                wanted = port.get("targetPort", port.get("port"))
                where: FieldPath = ("spec", "ports", at, "targetPort")
                if not has_port(pod, wanted):
                    yield service.fault("SD104", where, f"forwards to port {wanted!r}, which {pod.owner} does not have")


def has_port(pod: PodTemplate, wanted: Any) -> bool:
    """Whether a container of the pod has a port of this name or number. A number counts where no port is declared."""
    if isinstance(wanted, str) and not wanted.isdigit():
        return any(port.get("name") == wanted for port in pod.ports)
    return not pod.ports or any(str(port.get("containerPort")) == str(wanted) for port in pod.ports)


def targets(objects: Objects) -> Iterator[Fault]:
    """SD105: autoscalers, budgets, monitors, bindings and sets that point at what is not there."""
    for one in objects.of("HorizontalPodAutoscaler"):
        target = mapping(one.spec.get("scaleTargetRef"))
        kind, name = str(target.get("kind")), str(target.get("name"))
        if objects.find(kind, one.namespace, name) is None:
            yield one.fault("SD105", ("spec", "scaleTargetRef"), f"scales {kind} {name}, which is not there")
    for one in objects.of("PodDisruptionBudget"):
        if not objects.selected(one.namespace, one.spec.get("selector")):
            wanted = shown(mapping(one.spec.get("selector")).get("matchLabels"))
            yield one.fault("SD105", ("spec", "selector"), f"selects no pod template  (labels: {wanted})")
    for one in objects.of("RoleBinding"):
        role = mapping(one.manifest.get("roleRef"))
        if role.get("kind") == "Role" and objects.find("Role", one.namespace, str(role.get("name"))) is None:
            yield one.fault("SD105", ("roleRef",), f"binds Role {role.get('name')}, which is not there")
    for one in objects.of("StatefulSet"):
        name = str(one.spec.get("serviceName") or "")
        if name and objects.find("Service", one.namespace, name) is None:
            yield one.fault("SD105", ("spec", "serviceName"), f"names Service {name}, which is not there")
    yield from _monitors(objects)


def _monitors(objects: Objects) -> Iterator[Fault]:
    for one in objects.of("ServiceMonitor"):
        if one.spec.get("namespaceSelector"):
            continue
        chosen = [
            service
            for service in objects.of("Service")
            if service.namespace == one.namespace and selects(one.spec.get("selector"), service.labels)
        ]
        if not chosen:
            wanted = shown(mapping(one.spec.get("selector")).get("matchLabels"))
            yield one.fault("SD105", ("spec", "selector"), f"selects no Service  (labels: {wanted})")
        names = {port.get("name") for service in chosen for port in dicts(service.spec.get("ports"))}
        for at, endpoint in enumerate(dicts(one.spec.get("endpoints"))):
            if chosen and isinstance(endpoint.get("port"), str) and endpoint["port"] not in names:
                where = ("spec", "endpoints", at, "port")
                yield one.fault("SD105", where, f"scrapes port {endpoint['port']!r}, which its Service does not have")


def replicas(objects: Objects, workload: KubeObject) -> int:
    """How many pods a workload has at least: its autoscaler's least number, or its own."""
    for scaler in objects.of("HorizontalPodAutoscaler"):
        target = mapping(scaler.spec.get("scaleTargetRef"))
        same = (str(target.get("kind")), str(target.get("name"))) == (workload.kind, workload.name)
        if same and scaler.namespace == workload.namespace:
            return _whole(scaler.spec.get("minReplicas"), 1)
    return _whole(workload.spec.get("replicas"), 1)


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def budgets(objects: Objects) -> Iterator[Fault]:
    """SD106: budgets that let no pod go."""
    for one in objects.of("PodDisruptionBudget"):
        pods = [pod for pod in objects.selected(one.namespace, one.spec.get("selector")) if pod.owner.kind in SELECTING]
        there = sum(replicas(objects, pod.owner) for pod in pods if pod.owner.kind != "DaemonSet")
        if not there:
            continue
        for key in ("minAvailable", "maxUnavailable"):
            number = _share(one.spec.get(key), there)
            if number is not None and (number >= there if key == "minAvailable" else number == 0):
                message = f"never lets a pod go: {key} {one.spec[key]} of {there}"
                yield one.fault("SD106", ("spec", key), message)


def _share(value: Any, of: int) -> int | None:
    """A number of pods, where it may be a percentage, which Kubernetes rounds up."""
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdigit():
        return math.ceil(int(value[:-1]) * of / 100)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def autoscalers(objects: Objects) -> Iterator[Fault]:
    """SD115: autoscalers by the utilization of a resource that is not requested."""
    for one in objects.of("HorizontalPodAutoscaler"):
        target = mapping(one.spec.get("scaleTargetRef"))
        pods = [
            pod
            for pod in objects.pods
            if (pod.owner.kind, pod.owner.name) == (target.get("kind"), target.get("name"))
            and pod.owner.namespace == one.namespace
        ]
        for at, metric in enumerate(dicts(one.spec.get("metrics"))):
            measured = mapping(metric.get("resource"))
            if "averageUtilization" not in mapping(measured.get("target")):
                continue
            resource = str(measured.get("name"))
            for pod in pods:
                for container, _ in pod.containers:
                    given = mapping(container.get("resources"))
                    if resource not in {**mapping(given.get("requests")), **mapping(given.get("limits"))}:
                        message = f"scales by {resource}, which container {container.get('name')} does not request"
                        yield one.fault("SD115", ("spec", "metrics", at), message)


def keys(objects: Objects) -> Iterator[Fault]:
    """SD111: keys of a ConfigMap or Secret of the same files that it does not have."""
    for pod in objects.pods:
        for container, path in pod.containers:
            for at, variable in enumerate(dicts(container.get("env"))):
                source = mapping(variable.get("valueFrom"))
                for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                    reference = mapping(source.get(field))
                    where = (*path, "env", at, "valueFrom", field, "key")
                    yield from _missing(objects, pod, kind, reference, [str(reference.get("key"))], where)
        for at, volume in enumerate(dicts(pod.spec.get("volumes"))):
            for field, kind, named in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
                source = mapping(volume.get(field))
                wanted = [str(item.get("key")) for item in dicts(source.get("items"))]
                reference = {**source, "name": source.get(named)}
                where = (*pod.path, "spec", "volumes", at, field, "items")
                yield from _missing(objects, pod, kind, reference, wanted, where)


def _missing(
    objects: Objects, pod: PodTemplate, kind: str, reference: dict[str, Any], wanted: list[str], where: FieldPath
) -> Iterator[Fault]:
    if not reference.get("name") or reference.get("optional") is True:
        return
    holder = objects.find(kind, pod.owner.namespace, str(reference["name"]))
    if holder is None:  # it may be in the cluster already
        return
    there = {key for field in ("data", "binaryData", "stringData") for key in mapping(holder.manifest.get(field))}
    for key in wanted:
        if key not in there:
            yield pod.owner.fault("SD111", where, f"reads the key {key!r} of {holder}, which has none of that name")


def duplicates(objects: Objects) -> Iterator[Fault]:
    """SD114: objects that are given twice."""
    seen: dict[tuple[str, str, str, str], KubeObject] = {}
    for one in objects.all:
        if not mapping(one.manifest.get("metadata")).get("name"):
            continue
        key = (one.group, one.kind, one.namespace, one.name)
        if key in seen:
            file, line = seen[key].place.at((*seen[key].prefix, "metadata", "name"))
            yield one.fault("SD114", ("metadata", "name"), f"is given twice  (also {file}:{line})")
        else:
            seen[key] = one


CHECKS = (selectors, services, targets, budgets, autoscalers, keys, duplicates)
