"""Charts as Helm renders them, for the tests of charts and playbooks."""

from typing import Any

import pytest
import yaml
import yaml_files

from slipway_steps.settings import PROJECT_ROOT

helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")

CHARTS = PROJECT_ROOT / "charts"
DIGEST = "sha256:" + "b" * 64
RELEASED = {"image": {"repository": "r.example/team/model-app", "tag": "staging-1.0.7", "digest": DIGEST}}
FOREIGN = ("HTTPRoute", "PrometheusRule", "ReferenceGrant", "ServiceMonitor")
"""Kinds that no schema is at hand for."""


def deep(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**base, **{k: deep(base.get(k) or {}, v) if isinstance(v, dict) else v for k, v in more.items()}}


def rendered(chart: str, values: dict[str, Any], namespace: str = "slipway") -> list[dict[str, Any]]:
    with helm.Chart.load(CHARTS / chart) as loaded:
        files = loaded.render(values=values, name="test", namespace=namespace)
    texts = files.values() if isinstance(files, dict) else [files]
    return [one for text in texts for one in yaml.load_all(text, yaml_files.Loader) if one]


def app(environment: str = "staging", **more: Any) -> dict[str, dict[str, Any]]:
    own = yaml.safe_load((CHARTS / "model-app" / f"values-{environment}.yaml").read_text())
    return {one["kind"]: one for one in rendered("model-app", deep(deep(own, RELEASED), more))}


EVERYTHING = {
    "replicas": 2,
    "autoscaling": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "httpRoute": {
        "enabled": True,
        "parentRefs": [{"name": "gateway"}],
        "hostnames": ["app.example"],
        "canaryWeight": 10,
    },
}


EVENTS = {"events": {"enabled": True, "github": {"owner": "acme", "repository": "models"}}}


def slipway(values: dict[str, Any], namespace: str = "ml") -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in rendered("slipway", values, namespace)}


def platform(values: dict[str, Any] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in rendered("platform", values or {})}
