"""Changes of lists of Kubernetes objects before they are applied: other registries, other arguments, their order.

Used by the filters and by the module slipway_apply.
"""

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


OWN = re.compile(r"slipway/(steps|train|handler|app|mlflow):[\w.-]+")
"""One of our own images, as the generated manifests name it."""


def mapped(value: Any, change: Callable[[str, str], str], key: str = "") -> Any:
    """`value` with each text replaced by `change(key, text)`; `key` is the nearest key above the text."""
    if isinstance(value, dict):
        return {name: mapped(inner, change, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [mapped(inner, change, key) for inner in value]
    return change(key, str(value)) if isinstance(value, str) else value


def _from_mirror(reference: str, registry: str) -> str:
    if "{{" in reference or reference.startswith(f"{registry}/"):
        return reference
    first, _, rest = reference.partition("/")
    has_host = bool(rest) and ("." in first or ":" in first or first == "localhost")
    return f"{registry}/{rest if has_host else reference}"


def own_image(images: dict[str, Any], name: str) -> str:
    """The reference of Slipway's image `name`, by digest where one is given. `images`: registry, tag, digests."""
    digest = (images.get("digests") or {}).get(name)
    return f"{images['registry']}/slipway/{name}" + (f"@{digest}" if digest else f":{images['tag']}")


def slipway_images(
    objects: list[Any],
    registry: str = "",
    overrides: dict[str, str] | None = None,
    own: dict[str, Any] | None = None,
) -> list[Any]:
    """The objects with every image pulled from `registry` (host[:port][/prefix]; empty: unchanged).

    Images are values of the key `image`, and references to public registries in any other text, as in arguments like
    `--executor-image`. `overrides` goes first: whole references, wherever they stand, to what shall stand instead; such
    an image is not moved again. `own` (registry, tag, digests) says where our own images are, whatever `registry` is.
    """
    registry = registry.rstrip("/")
    chosen = dict(overrides or {})

    def change(key: str, text: str) -> str:
        for old, new in chosen.items():
            pattern = rf"(?<![\w./:@-]){re.escape(old)}(?![\w./:@-])"
            if re.search(pattern, text):
                return re.sub(pattern, lambda _, new=new: new, text)
        ours = OWN.fullmatch(text) if own and key == "image" else None
        if own and ours:
            return own_image(own, ours[1])
        if not registry:
            return text
        return _from_mirror(text, registry) if key == "image" else KNOWN_HOST.sub(f"{registry}/", text)

    return [mapped(one, change) for one in objects]


def slipway_arguments(objects: list[Any], deployment: str, arguments: list[str]) -> list[Any]:
    """The objects with `arguments` added to the first container of the Deployment, unless it has them already."""
    for one in objects:
        if one.get("kind") == "Deployment" and one["metadata"]["name"] == deployment:
            container = one["spec"]["template"]["spec"]["containers"][0]
            present = container.get("args") or []
            container["args"] = [*present, *(extra for extra in arguments if extra not in present)]
    return objects


def slipway_ordered(objects: list[Any], reverse: bool = False) -> list[Any]:
    """The objects without empty documents, in an order in which they can be created (`reverse`: deleted)."""
    known = {kind: place for place, kind in enumerate(ORDER)}
    kept = [one for one in objects if isinstance(one, dict) and one.get("kind")]
    return sorted(kept, key=lambda one: known.get(one["kind"], len(ORDER)), reverse=reverse)
