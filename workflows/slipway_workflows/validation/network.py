"""SD110: NetworkPolicies that shut out a client which is deployed with them.

A client is a pod that names a Service of the same files in a variable or an argument.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway_workflows.findings.shapes import dicts, strings
from slipway_workflows.validation.objects import Fault, KubeObject, Objects, PodTemplate, selects

HOST_NAME = re.compile(r"HOST|ADDR|SERVER|ENDPOINT|URL|URI", re.IGNORECASE)
DNS = 53
Port = tuple[int | None, str | None]
"""Number and name of a port of a pod."""


@dataclass(frozen=True)
class Call:
    """A pod asks a pod behind a Service. port: what it asks; None where it cannot be known."""

    client: PodTemplate
    service: KubeObject
    server: PodTemplate
    port: Port


def _named(pod: PodTemplate) -> str:
    """What the pod's containers are told, of which a host may be part: a variable of a telling name, or a URL."""
    told = []
    for container, _ in pod.containers:
        for variable in dicts(container.get("env")):
            value = str(variable.get("value") or "")
            if HOST_NAME.search(str(variable.get("name"))) or "//" in value:
                told.append(value)
        told += [word for key in ("command", "args") for _, word in strings(container.get(key)) if "//" in word]
    return "\n".join(told)


def calls(objects: Objects) -> Iterator[Call]:
    """Who asks whom."""
    told = [(pod, _named(pod)) for pod in objects.pods]
    for service in objects.of("Service"):
        own = rf"{re.escape(service.name)}"
        far = rf"{own}\.{re.escape(service.namespace)}(?:\.svc(?:\.[\w.-]+)?)?"
        for client, text in told:
            name = rf"(?:{far}|{own})" if client.owner.namespace == service.namespace else far
            # a host stands alone, after the slashes of a URL, or after the user of one
            if not re.search(rf"(?:^|//|@|,){name}(?=[:/,?]|$)", text, re.MULTILINE):
                continue
            for server in objects.behind(service):
                if server.owner is not client.owner:
                    for port in dicts(service.spec.get("ports")):
                        yield Call(client, service, server, _resolved(server, port.get("targetPort", port.get("port"))))


def _resolved(pod: PodTemplate, wanted: Any) -> Port:
    for port in pod.ports:
        if wanted in (port.get("name"), port.get("containerPort")):
            return port.get("containerPort"), port.get("name")
    return (wanted, None) if isinstance(wanted, int) else (None, str(wanted))


def _allows(objects: Objects, policy: KubeObject, direction: str, peer: PodTemplate, port: Port) -> bool:
    key = "from" if direction == "ingress" else "to"
    for rule in dicts(policy.spec.get(direction)):
        peers, ports = dicts(rule.get(key)), dicts(rule.get("ports"))
        open_port = not ports or any(_includes(one, port) for one in ports)
        if open_port and (not peers or any(_is(objects, policy, one, peer) for one in peers)):
            return True
    return False


def _includes(allowed: dict[str, Any], port: Port) -> bool:
    first, last = allowed.get("port"), allowed.get("endPort")
    if isinstance(first, int) and isinstance(last, int) and port[0] is not None:
        return first <= port[0] <= last
    return first is None or first in port


def _is(objects: Objects, policy: KubeObject, peer: dict[str, Any], pod: PodTemplate) -> bool:
    """Whether a pod is one of a policy's peers; an address block counts, as addresses are not known here."""
    if "ipBlock" in peer:
        return True
    namespace = pod.owner.namespace
    if "namespaceSelector" in peer:
        near = selects(peer["namespaceSelector"], objects.namespaces[namespace])
    else:
        near = namespace == policy.namespace
    return near and ("podSelector" not in peer or selects(peer["podSelector"], pod.labels))


def _policies(objects: Objects, pod: PodTemplate, direction: str) -> list[KubeObject]:
    """The policies that hold for a pod in a direction; what none of them allows is dropped."""
    found = []
    for one in objects.of("NetworkPolicy"):
        default = ["Ingress", *(["Egress"] if "egress" in one.spec else [])]
        types = one.spec.get("policyTypes") or default
        here = one.namespace == pod.owner.namespace and selects(one.spec.get("podSelector"), pod.labels)
        if here and direction.capitalize() in types:
            found.append(one)
    return found


def clients(objects: Objects) -> Iterator[Fault]:
    """SD110 for each client and Service once, and for a Service to whose pods nobody may speak."""
    told = set()
    for call in calls(objects):
        for code in _dropped(objects, call):
            policy, direction, message = code
            key = (id(policy), id(call.client.owner), id(call.service), message)
            if key not in told:
                told.add(key)
                yield policy.fault("SD110", ("spec", direction), message)
    for service in objects.of("Service"):
        for pod in objects.behind(service):
            held = _policies(objects, pod, "ingress")
            if held and not any(dicts(one.spec.get("ingress")) for one in held):
                message = f"lets nobody in to {pod.owner}, which {service} forwards to"
                yield held[0].fault("SD110", ("spec", "ingress"), message)


def _dropped(objects: Objects, call: Call) -> Iterator[tuple[KubeObject, str, str]]:
    ingress = _policies(objects, call.server, "ingress")
    if ingress and not any(_allows(objects, one, "ingress", call.client, call.port) for one in ingress):
        yield ingress[0], "ingress", f"shuts out {call.client.owner}, which asks {call.service}"
    egress = _policies(objects, call.client, "egress")
    if not egress:
        return
    if not any(_allows(objects, one, "egress", call.server, call.port) for one in egress):
        yield egress[0], "egress", f"does not let {call.client.owner} out to {call.service}, which it asks"
    elif not any(_includes(port, (DNS, None)) for one in egress for port in _open(one)):
        yield egress[0], "egress", f"does not let {call.client.owner} ask DNS for the name of {call.service}"


def _open(policy: KubeObject) -> Iterator[dict[str, Any]]:
    """The ports of all egress rules; {} for a rule of all ports."""
    for rule in dicts(policy.spec.get("egress")):
        yield from dicts(rule.get("ports")) or [{}]


CHECKS = (clients,)
