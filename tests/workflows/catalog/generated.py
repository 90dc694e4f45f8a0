"""The generated manifests of the catalog, as the tests read them."""

from typing import Any

import yaml

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = sorted((PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"))


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "workflows" / "manifests" / f"{name}.yaml").read_text())
    return loaded


def template(name: str, inner: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in document(name)["spec"]["templates"] if t["name"] == inner)
    return found


ALL = [yaml.safe_load(path.read_text()) for path in MANIFESTS]
