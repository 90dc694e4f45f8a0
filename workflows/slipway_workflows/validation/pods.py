"""What is wrong with a pod by itself: quantities, ports, volumes, users, images, probes, privileges."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from slipway_steps.domain.quantity import parse_quantity
from slipway_workflows.findings.image_reference import floating
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping
from slipway_workflows.validation.objects import LONG_RUNNING, Fault, KubeObject, Objects

QUANTITY = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
LEAST_MEMORY = Decimal(1024 * 1024)
"""Less memory than this, in bytes, is a wrong unit: `256m` is a quarter of a byte."""
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
SOCKET = re.compile(r"/(?:docker|containerd/containerd|crio/crio)\.sock$")


def quantity(value: Any) -> Decimal | None:
    """The number that a quantity stands for; None for what the API server would refuse."""
    text = str(value)
    return parse_quantity(text) if not isinstance(value, bool) and QUANTITY.fullmatch(text) else None


def _quantities(owner: KubeObject, resources: Any, path: FieldPath) -> Iterator[Fault]:
    sections = {key: mapping(mapping(resources).get(key)) for key in ("requests", "limits")}
    for section, given in sections.items():
        for resource, value in given.items():
            number, at = quantity(value), (*path, section, resource)
            if number is None:
                yield owner.fault("SD101", at, f"has the {resource} {section[:-1]} {value!r}, which is no quantity")
            elif resource == "memory" and 0 < number < LEAST_MEMORY:
                yield owner.fault("SD101", at, f"has the memory {section[:-1]} {value!r}, which is {number} bytes")
    for resource, value in sections["requests"].items():
        asked, limit = quantity(value), quantity(sections["limits"].get(resource, "x"))
        if asked is not None and limit is not None and asked > limit:
            most = sections["limits"][resource]
            yield owner.fault(
                "SD102", (*path, "requests", resource), f"requests {value} of {resource}, over its limit of {most}"
            )


def quantities(objects: Objects) -> Iterator[Fault]:
    """SD101, SD102: quantities of containers, volumes and claims."""
    for pod in objects.pods:
        for container, path in pod.containers:
            yield from _quantities(pod.owner, container.get("resources"), (*path, "resources"))
        for at, volume in enumerate(dicts(pod.spec.get("volumes"))):
            size = mapping(volume.get("emptyDir")).get("sizeLimit")
            if size is not None and quantity(size) is None:
                where = (*pod.path, "spec", "volumes", at, "emptyDir", "sizeLimit")
                yield pod.owner.fault("SD101", where, f"has the sizeLimit {size!r}, which is no quantity")
    for one in objects.of("PersistentVolumeClaim"):
        yield from _quantities(one, one.spec.get("resources"), ("spec", "resources"))
    for one in objects.of("StatefulSet"):
        for at, claim in enumerate(dicts(one.spec.get("volumeClaimTemplates"))):
            where = ("spec", "volumeClaimTemplates", at, "spec", "resources")
            yield from _quantities(one, mapping(claim.get("spec")).get("resources"), where)
    for one in objects.of("ResourceQuota"):
        for resource, value in mapping(one.spec.get("hard")).items():
            if quantity(value) is None:
                yield one.fault("SD101", ("spec", "hard", resource), f"has {value!r}, which is no quantity")


def volumes(objects: Objects) -> Iterator[Fault]:
    """SD112: mounts of volumes that the pod does not have."""
    for pod in objects.pods:
        own = dicts(pod.spec.get("volumes")) + [
            mapping(claim.get("metadata")) for claim in dicts(pod.owner.spec.get("volumeClaimTemplates"))
        ]
        names = {str(volume.get("name")) for volume in own}
        for container, path in pod.containers:
            for key in ("volumeMounts", "volumeDevices"):
                for at, mount in enumerate(dicts(container.get(key))):
                    if str(mount.get("name")) not in names:
                        where = (*path, key, at, "name")
                        yield pod.owner.fault("SD112", where, f"mounts the volume {mount.get('name')!r}, and has none")


def probe_ports(objects: Objects) -> Iterator[Fault]:
    """SD113: probes of named ports that the container does not have."""
    for pod in objects.pods:
        for container, path in pod.containers:
            names = {port.get("name") for port in dicts(container.get("ports"))}
            for probe in PROBES:
                for form in ("httpGet", "tcpSocket"):
                    port = mapping(mapping(container.get(probe)).get(form)).get("port")
                    if isinstance(port, str) and not port.isdigit() and port not in names:
                        where = (*path, probe, form, "port")
                        yield pod.owner.fault("SD113", where, f"probes the port {port!r}, which is none of its ports")


def limits(objects: Objects) -> Iterator[Fault]:
    """SD116: containers without requests or a memory limit."""
    for pod in objects.pods:
        for container, path in pod.containers:
            resources = mapping(container.get("resources"))
            most, asked = mapping(resources.get("limits")), mapping(resources.get("requests"))
            lacking = [f"a {name} request" for name in ("cpu", "memory") if name not in {*asked, *most}]
            lacking += [] if "memory" in most else ["a memory limit"]
            if lacking:
                where = (*path, "resources")
                yield pod.owner.fault("SD116", where, f"container {_name(container)} lacks {' and '.join(lacking)}")


def users(objects: Objects) -> Iterator[Fault]:
    """SD117: containers that run, or may run, as root."""
    for pod in objects.pods:
        shared = mapping(pod.spec.get("securityContext"))
        for container, path in pod.containers:
            context = {**shared, **mapping(container.get("securityContext"))}
            if context.get("runAsUser") == 0:
                yield pod.owner.fault("SD117", (*path, "securityContext"), f"container {_name(container)} runs as root")
            elif context.get("runAsNonRoot") is not True and not context.get("runAsUser"):
                message = f"container {_name(container)} may run as root"
                yield pod.owner.fault("SD117", (*path, "securityContext"), message)


def images(objects: Objects) -> Iterator[Fault]:
    """SD118: images that may be other ones tomorrow."""
    for pod in objects.pods:
        for container, path in pod.containers:
            image = str(container.get("image") or "")
            if image and (why := floating(image)):
                yield pod.owner.fault("SD118", (*path, "image"), f"runs the image {image}, which {why}")


def probes(objects: Objects) -> Iterator[Fault]:
    """SD119: containers that serve without being asked whether they can."""
    served = {id(pod.body) for service in objects.of("Service") for pod in objects.behind(service)}
    for pod in objects.pods:
        if pod.owner.kind not in LONG_RUNNING:
            continue
        for container, path in pod.containers:
            if path[-2] != "containers":
                continue
            given = [probe for probe in PROBES if container.get(probe)]
            serves = id(pod.body) in served and dicts(container.get("ports"))
            if not given:
                yield pod.owner.fault("SD119", path, f"container {_name(container)} has no probe")
            elif serves and "readinessProbe" not in given:
                yield pod.owner.fault("SD119", path, f"container {_name(container)} serves without a readinessProbe")


def privileges(objects: Objects) -> Iterator[Fault]:
    """SD120: what makes a container the owner of its node."""
    for pod in objects.pods:
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key) is True:
                yield pod.owner.fault("SD120", (*pod.path, "spec", key), f"shares its node's namespaces by {key}")
        for container, path in pod.containers:
            if mapping(container.get("securityContext")).get("privileged") is True:
                where = (*path, "securityContext", "privileged")
                yield pod.owner.fault("SD120", where, f"container {_name(container)} is privileged")
        for at, volume in enumerate(dicts(pod.spec.get("volumes"))):
            source = str(mapping(volume.get("hostPath")).get("path") or "")
            if SOCKET.search(source):
                where = (*pod.path, "spec", "volumes", at)
                yield pod.owner.fault("SD120", where, f"mounts {source} of its node")


def _name(container: dict[str, Any]) -> str:
    return str(container.get("name") or "without a name")


CHECKS = (quantities, volumes, probe_ports, limits, users, images, probes, privileges)
