"""Kubernetes objects that are validated together, and what refers to what among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping

TEMPLATES: dict[str, FieldPath] = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"), ("spec", "template")
    ),
}
"""Kinds that make pods, and where their pod template is."""
LONG_RUNNING = ("Deployment", "StatefulSet", "DaemonSet")


class Place(Protocol):
    """Where an object, or another thing that is validated, comes from.

    waivers: code -> reason, of findings that people have accepted there.
    """

    @property
    def waivers(self) -> Mapping[str, str]:
        """Code -> reason."""

    def at(self, path: FieldPath) -> tuple[str, int]:
        """File and line of a field, or of the nearest one around it that is known."""


@dataclass(frozen=True)
class Accepting:
    """A place where findings are accepted for a reason that no person has to write there. waivers: code -> reason."""

    place: Place
    waivers: Mapping[str, str]

    def at(self, path: FieldPath) -> tuple[str, int]:
        """See `Place`."""
        return self.place.at(path)


@dataclass(frozen=True)
class Fault:
    """A field that is wrong, before its line is looked up. code: of `codes.CODES`, or of a policy."""

    code: str
    place: Place
    path: FieldPath
    message: str


@dataclass(frozen=True)
class KubeObject:
    """One object. default_namespace: where it goes if it names no namespace. prefix: its path in its document."""

    manifest: dict[str, Any]
    place: Place
    default_namespace: str = ""
    prefix: FieldPath = ()

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return str(self.manifest.get("kind") or "")

    @property
    def group(self) -> str:
        """The group of its API, such as `apps`; "" for the core."""
        return str(self.manifest.get("apiVersion") or "").rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its name, or its generateName."""
        metadata = mapping(self.manifest.get("metadata"))
        return str(metadata.get("name") or metadata.get("generateName") or "")

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(mapping(self.manifest.get("metadata")).get("namespace") or self.default_namespace)

    @property
    def labels(self) -> dict[str, Any]:
        """Its own labels."""
        return mapping(mapping(self.manifest.get("metadata")).get("labels"))

    @property
    def spec(self) -> dict[str, Any]:
        """Its spec; {} where it has none."""
        return mapping(self.manifest.get("spec"))

    @property
    def hook(self) -> bool:
        """Whether Helm makes it for a moment, such as a test of the release."""
        return "helm.sh/hook" in mapping(mapping(self.manifest.get("metadata")).get("annotations"))

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def fault(self, code: str, path: FieldPath, message: str) -> Fault:
        """A fault of one of its fields; the message begins with kind and name."""
        return Fault(code, self.place, (*self.prefix, *path), f"{self} {message}")


def each(manifest: dict[str, Any], place: Place, namespace: str = "") -> Iterator[KubeObject]:
    """The object of a document, or those in it if it is a List. namespace: of those that name none."""
    if manifest.get("kind") != "List":
        yield KubeObject(manifest, place, namespace)
        return
    for at, item in enumerate(dicts(manifest.get("items"))):
        yield KubeObject(item, place, namespace, ("items", at))


@dataclass(frozen=True)
class PodTemplate:
    """The pods that an object makes. path: of the template in its owner."""

    owner: KubeObject
    path: FieldPath
    body: dict[str, Any]

    @property
    def labels(self) -> dict[str, Any]:
        """The labels of the pods."""
        return mapping(mapping(self.body.get("metadata")).get("labels"))

    @property
    def spec(self) -> dict[str, Any]:
        """The spec of the pods."""
        return mapping(self.body.get("spec"))

    @property
    def containers(self) -> list[tuple[dict[str, Any], FieldPath]]:
        """All containers with their path in the owner; those that start first, first."""
        return [
            (container, (*self.path, "spec", key, at))
            for key in ("initContainers", "containers")
            for at, container in enumerate(dicts(self.spec.get(key)))
        ]

    @property
    def ports(self) -> list[dict[str, Any]]:
        """All ports that its containers declare."""
        return [port for container, _ in self.containers for port in dicts(container.get("ports"))]


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector, of `matchLabels` and `matchExpressions`, selects labels; an empty one selects all."""
    wanted = mapping(mapping(selector).get("matchLabels"))
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for one in dicts(mapping(selector).get("matchExpressions")):
        key, values = str(one.get("key")), one.get("values")
        among = labels.get(key) in (values if isinstance(values, list) else [])
        verdicts = {
            "In": key in labels and among,
            "NotIn": not (key in labels and among),
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not verdicts.get(str(one.get("operator")), False):
            return False
    return True


@dataclass
class Objects:
    """All objects of one validation."""

    all: list[KubeObject] = field(default_factory=list)

    def of(self, *kinds: str) -> Iterator[KubeObject]:
        """The objects of these kinds."""
        return (one for one in self.all if one.kind in kinds)

    def find(self, kind: str, namespace: str, name: str) -> KubeObject | None:
        """One object; None where it is not among these."""
        return next((one for one in self.of(kind) if one.namespace == namespace and one.name == name), None)

    @cached_property
    def namespaces(self) -> dict[str, dict[str, Any]]:
        """Each namespace that something is in, with the labels that it is known to have."""
        found: dict[str, dict[str, Any]] = {one.namespace: {} for one in self.all}
        for one in self.of("Namespace"):
            found[one.name] = one.labels
        return {name: {**labels, "kubernetes.io/metadata.name": name} for name, labels in found.items()}

    @cached_property
    def pods(self) -> list[PodTemplate]:
        """Every pod template."""
        found = []
        for one in self.all:
            if one.kind in TEMPLATES:
                body: Any = one.manifest
                for key in TEMPLATES[one.kind]:
                    body = mapping(body).get(str(key))
                if isinstance(body, dict):
                    found.append(PodTemplate(one, TEMPLATES[one.kind], body))
        return found

    def selected(self, namespace: str, selector: Any) -> list[PodTemplate]:
        """The pod templates of a namespace that a label selector selects; a hook of Helm has no pods in daily life."""
        return [
            one
            for one in self.pods
            if one.owner.namespace == namespace and selects(selector, one.labels) and not one.owner.hook
        ]

    def behind(self, service: KubeObject) -> list[PodTemplate]:
        """The pod templates that a Service selects; none for one without a selector."""
        selector = mapping(service.spec.get("selector"))
        return self.selected(service.namespace, {"matchLabels": selector}) if selector else []
