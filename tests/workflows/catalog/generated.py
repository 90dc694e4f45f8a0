"""The generated manifests of the catalog, as the tests read them."""

from typing import Any

from yaml_files import document as read_document

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = sorted((PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"))


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = read_document(PROJECT_ROOT / "workflows" / "manifests" / f"{name}.yaml")
    return loaded


def template(name: str, inner: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in document(name)["spec"]["templates"] if t["name"] == inner)
    return found


ALL = [read_document(path) for path in MANIFESTS]
