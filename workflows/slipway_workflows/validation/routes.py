"""Routes: hosts that two of them claim, and backends that are not there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping
from slipway_workflows.validation.objects import Fault, KubeObject, Objects

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute")


@dataclass(frozen=True)
class Claim:
    """What a route answers. parents: its gateways, or its class; empty: any. match: path and whatever else it asks."""

    route: KubeObject
    path: FieldPath
    host: str
    match: str
    parents: frozenset[str]

    def meets(self, other: "Claim") -> bool:
        """Whether both are asked by the same requests."""
        same = (self.route.kind, self.host, self.match) == (other.route.kind, other.host, other.match)
        return same and (not self.parents or not other.parents or bool(self.parents & other.parents))


def _of_gateway(route: KubeObject) -> Iterator[Claim]:
    parents = frozenset(
        "/".join((str(one.get("namespace") or route.namespace), str(one.get("name")), str(one.get("sectionName", ""))))
        for one in dicts(route.spec.get("parentRefs"))
    )
    hosts = route.spec.get("hostnames")
    listed = [str(host) for host in hosts] if isinstance(hosts, list) and hosts else ["every host"]
    everything: dict[str, Any] = {"path": {"type": "PathPrefix", "value": "/"}}
    for rule in dicts(route.spec.get("rules")) or [{}]:
        for match in dicts(rule.get("matches")) or [everything]:
            for at, host in enumerate(listed):
                yield Claim(route, ("spec", "hostnames", at), host, _text({**everything, **match}), parents)


def _of_ingress(ingress: KubeObject) -> Iterator[Claim]:
    chosen = ingress.spec.get("ingressClassName")
    for at, rule in enumerate(dicts(ingress.spec.get("rules"))):
        for path in dicts(mapping(rule.get("http")).get("paths")):
            match = _text([path.get("pathType"), path.get("path") or "/"])
            host = str(rule.get("host") or "every host")
            yield Claim(ingress, ("spec", "rules", at), host, match, frozenset({str(chosen)} if chosen else ()))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def hosts(objects: Objects) -> Iterator[Fault]:
    """SD109: two routes for one host and path."""
    claims = [claim for one in objects.of(*ROUTES) for claim in _of_gateway(one)]
    claims += [claim for one in objects.of("Ingress") for claim in _of_ingress(one)]
    told = set()
    for at, claim in enumerate(claims):
        for earlier in claims[:at]:
            pair = (id(earlier.route), id(claim.route), claim.host)
            if earlier.route is not claim.route and claim.meets(earlier) and pair not in told:
                told.add(pair)
                where = f" in {earlier.route.namespace}" if earlier.route.namespace else ""
                message = f"claims {claim.host}, which {earlier.route}{where} claims too"
                yield claim.route.fault("SD109", claim.path, message)


def backends(objects: Objects) -> Iterator[Fault]:
    """SD105: routes to Services, or ports of Services, that are not there."""
    for route in objects.of(*ROUTES):
        for at, rule in enumerate(dicts(route.spec.get("rules"))):
            for index, backend in enumerate(dicts(rule.get("backendRefs"))):
                if backend.get("kind", "Service") == "Service":
                    where = ("spec", "rules", at, "backendRefs", index)
                    namespace = str(backend.get("namespace") or route.namespace)
                    yield from _backend(objects, route, where, namespace, backend.get("name"), backend.get("port"))
    for one in objects.of("Ingress"):
        default = mapping(mapping(one.spec.get("defaultBackend")).get("service"))
        if default:
            yield from _service(objects, one, ("spec", "defaultBackend"), default)
        for at, rule in enumerate(dicts(one.spec.get("rules"))):
            for index, path in enumerate(dicts(mapping(rule.get("http")).get("paths"))):
                service = mapping(mapping(path.get("backend")).get("service"))
                if service:
                    yield from _service(objects, one, ("spec", "rules", at, "http", "paths", index, "backend"), service)


def _service(objects: Objects, ingress: KubeObject, where: FieldPath, service: dict[str, Any]) -> Iterator[Fault]:
    port = mapping(service.get("port"))
    wanted = port.get("number", port.get("name"))
    yield from _backend(objects, ingress, where, ingress.namespace, service.get("name"), wanted)


def _backend(
    objects: Objects, route: KubeObject, where: FieldPath, namespace: str, name: Any, port: Any
) -> Iterator[Fault]:
    if namespace != route.namespace and not any(one.namespace == namespace for one in objects.all):
        return  # what is in that namespace is deployed apart
    service = objects.find("Service", namespace, str(name))
    if service is None:
        yield route.fault("SD105", where, f"routes to Service {name}, which is not there")
        return
    ports = dicts(service.spec.get("ports"))
    if port is not None and not any(port in (one.get("port"), one.get("name")) for one in ports):
        yield route.fault("SD105", where, f"routes to port {port!r} of {service}, which has none such")


CHECKS = (hosts, backends)
