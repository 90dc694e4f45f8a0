"""Compose files: what their schema does not say."""

from collections.abc import Iterator, Sequence
from typing import Any

from slipway_workflows.findings.image_reference import floating
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import mapping
from slipway_workflows.validation.objects import Fault
from slipway_workflows.validation.places import FilePlace
from slipway_workflows.validation.pods import SOCKET
from slipway_workflows.validation.secret_values import secret

DECLARED = ("configs", "networks", "secrets")
Wrong = tuple[str, FieldPath, str]
"""Code, path in the service, and message."""


def faults_of(compose: dict[str, Any], place: FilePlace, together: Sequence[dict[str, Any]] = ()) -> Iterator[Fault]:
    """SD105, SD108, SD117, SD118, SD120 of a compose file. together: the files that are read with it."""
    declared = {
        key: {name for one in (compose, *together) for name in mapping(one.get(key))} for key in ("services", *DECLARED)
    }
    included = any("include" in one for one in (compose, *together))
    for name, body in mapping(compose.get("services")).items():
        service, own = mapping(body), place.within(("services", name))
        for code, path, message in (*_alone(service), *(() if included else _references(service, declared))):
            yield Fault(code, own, ("services", name, *path), f"service {name} {message}")


def _alone(service: dict[str, Any]) -> Iterator[Wrong]:
    image = str(service.get("image") or "")
    if image and "$" not in image and "build" not in service and (why := floating(image)):
        yield "SD118", ("image",), f"runs the image {image}, which {why}"
    if str(service.get("user", "")).partition(":")[0] in ("root", "0"):
        yield "SD117", ("user",), "runs as root"
    for key in ("pid", "network_mode", "ipc"):
        if service.get(key) == "host":
            yield "SD120", (key,), f"shares the host's namespaces by {key}"
    if service.get("privileged") is True:
        yield "SD120", ("privileged",), "is privileged"
    for index, source in _sources(service.get("volumes")):
        if SOCKET.search(source):
            yield "SD120", ("volumes", index), f"mounts {source} of the host"
    for variable, value, at in _environment(service.get("environment")):
        if secret(variable, value):
            yield "SD108", ("environment", at), f"has a secret in the variable {variable}"


def _references(service: dict[str, Any], declared: dict[str, set[str]]) -> Iterator[Wrong]:
    for other, at in _names(service.get("depends_on")):
        if other not in declared["services"]:
            yield "SD105", ("depends_on", at), f"depends on {other}, which is not there"
    for key in DECLARED:
        for other, at in _names(service.get(key)):
            if other not in declared[key] and (key, other) != ("networks", "default"):
                yield "SD105", (key, at), f"names {key[:-1]} {other}, which is not there"


def _environment(given: Any) -> Iterator[tuple[str, Any, str | int]]:
    """Name, value and place of each variable, in the form of a map or in that of a list."""
    if isinstance(given, list):
        for at, line in enumerate(given):
            name, _, value = str(line).partition("=")
            yield name, value, at
    for name, value in mapping(given).items():
        yield name, value, name


def _names(given: Any) -> Iterator[tuple[str, str | int]]:
    """Names, in the form of a map, of a list, or of a list of maps with a source."""
    if isinstance(given, list):
        for at, one in enumerate(given):
            yield str(one.get("source") if isinstance(one, dict) else one), at
    for name in mapping(given):
        yield name, name


def _sources(given: Any) -> Iterator[tuple[int, str]]:
    for at, one in enumerate(given if isinstance(given, list) else []):
        yield at, str(one.get("source") or "") if isinstance(one, dict) else str(one).partition(":")[0]
