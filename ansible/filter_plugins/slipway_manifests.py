"""Filters on lists of Kubernetes objects: other namespaces, other registries, what is installed, in which order."""

import base64
import re
from collections.abc import Callable
from typing import Any

HOSTS = r"(?:quay\.io|docker\.io|ghcr\.io|registry\.k8s\.io|gcr\.io|public\.ecr\.aws)"
KNOWN_HOST = re.compile(rf"(?<![\w./-]){HOSTS}/(?=[a-z0-9])")
"""A public registry at the start of an image reference; inside a URL it is no image."""

ORDER = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "Service",
    "Deployment",
    "StatefulSet",
    "WorkflowTemplate",
    "CronWorkflow",
    "EventBus",
    "EventSource",
    "Sensor",
)
"""What others refer to comes first. Kinds not named come last."""


def _mapped(value: Any, change: Callable[[str, str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _mapped(inner, change, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mapped(inner, change, key) for inner in value]
    return change(key, str(value)) if isinstance(value, str) else value


def _from_mirror(reference: str, registry: str) -> str:
    if "{{" in reference or reference.startswith(f"{registry}/"):
        return reference
    first, _, rest = reference.partition("/")
    has_host = bool(rest) and ("." in first or ":" in first or first == "localhost")
    return f"{registry}/{rest if has_host else reference}"


def slipway_images(objects: list[Any], registry: str = "", overrides: dict[str, str] | None = None) -> list[Any]:
    """The objects with every image pulled from `registry` (host[:port][/prefix]; empty: unchanged).

    Images are values of the key `image`, and references to public registries in any other text, as in arguments like
    `--executor-image`. `overrides` goes first: whole references, wherever they stand, to what shall stand instead; such
    an image is not moved again.
    """
    registry = registry.rstrip("/")
    chosen = dict(overrides or {})

    def change(key: str, text: str) -> str:
        for old, new in chosen.items():
            pattern = rf"(?<![\w./:@-]){re.escape(old)}(?![\w./:@-])"
            if re.search(pattern, text):
                return re.sub(pattern, lambda _, new=new: new, text)
        if not registry:
            return text
        return _from_mirror(text, registry) if key == "image" else KNOWN_HOST.sub(f"{registry}/", text)

    return [_mapped(one, change) for one in objects]


def slipway_namespace(objects: list[Any], old: str, new: str) -> list[Any]:
    """The objects with namespace `old` replaced by `new`: where they lie, whom they name, and in Service addresses."""

    def change(key: str, text: str) -> str:
        if key == "namespace":
            return new if text == old else text
        return re.sub(rf"(?<=\.){re.escape(old)}(?=\.svc\b)", new, text)

    return objects if old == new else [_mapped(one, change) for one in objects]


def slipway_ordered(objects: list[Any], reverse: bool = False) -> list[Any]:
    """The objects, empty documents left out, in an order in which they can be created (reversed: deleted)."""
    known = {kind: place for place, kind in enumerate(ORDER)}
    kept = [one for one in objects if isinstance(one, dict) and one.get("kind")]
    return sorted(kept, key=lambda one: known.get(one["kind"], len(ORDER)), reverse=reverse)


def slipway_outside(objects: list[Any], namespace: str) -> list[Any]:
    """The objects that do not lie in `namespace` (empty: all)."""
    return [one for one in objects if not namespace or one["metadata"].get("namespace") != namespace]


def slipway_arguments(objects: list[Any], deployment: str, arguments: list[str]) -> list[Any]:
    """The objects with `arguments` added to the first container of the Deployment, where it has not got them yet."""
    for one in objects:
        if one.get("kind") == "Deployment" and one["metadata"]["name"] == deployment:
            container = one["spec"]["template"]["spec"]["containers"][0]
            present = container.get("args") or []
            container["args"] = [*present, *(extra for extra in arguments if extra not in present)]
    return objects


def _version(image: str, labels: dict[str, str]) -> str:
    name = image.split("@", 1)[0]
    tag = name.rsplit(":", 1)[1] if ":" in name.rsplit("/", 1)[-1] else ""
    return (tag or labels.get("app.kubernetes.io/version", "")).removeprefix("v")


def slipway_installed(deployments: list[Any], image: str, name: str = "") -> list[dict[str, str]]:
    """The Deployments that run an image whose last part is `image`, and whose own name matches the pattern `name`.

    Each has namespace, name, container, image, and version: the image's tag, else its label
    app.kubernetes.io/version, else empty.
    """
    found = []
    for one in deployments:
        if name and not re.search(name, one["metadata"]["name"]):
            continue
        template = one["spec"]["template"]
        labels = {**(one["metadata"].get("labels") or {}), **(template.get("metadata", {}).get("labels") or {})}
        for container in template["spec"]["containers"]:
            reference = container.get("image", "")
            repository = reference.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]
            if repository == image:
                found.append(
                    {
                        "namespace": one["metadata"]["namespace"],
                        "name": one["metadata"]["name"],
                        "container": container["name"],
                        "image": reference,
                        "version": _version(reference, labels),
                    }
                )
                break
    return found


def slipway_secrets(secrets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Secret objects of entries with namespace, name, data (plain text), and optionally type and labels."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": one.get("type", "Opaque"),
            "metadata": {"name": one["name"], "namespace": one["namespace"], "labels": one.get("labels") or {}},
            "data": {key: base64.b64encode(str(value).encode()).decode() for key, value in one["data"].items()},
        }
        for one in secrets
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name in a playbook -> function."""
        return {
            "slipway_arguments": slipway_arguments,
            "slipway_images": slipway_images,
            "slipway_installed": slipway_installed,
            "slipway_namespace": slipway_namespace,
            "slipway_ordered": slipway_ordered,
            "slipway_outside": slipway_outside,
            "slipway_secrets": slipway_secrets,
        }
