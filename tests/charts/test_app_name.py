"""An app of another name: both ways of installing give it the same rights, namespaces and addresses."""

import importlib.util
import re
from typing import Any

import pytest
import yaml
from kube_rbac import Request, Rights, service_account

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"


def by_chart() -> list[dict[str, Any]]:
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
    with helm.Chart.load(PROJECT_ROOT / "charts" / "slipway") as chart:
        files = chart.render(values={"app": "shop"}, name="test", namespace="slipway")
    texts = files.values() if isinstance(files, dict) else [files]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


def by_playbook() -> list[dict[str, Any]]:
    path = PROJECT_ROOT / "ansible" / "filter_plugins" / "slipway_app.py"
    spec = importlib.util.spec_from_file_location("slipway_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    objects = [yaml.safe_load(one.read_text()) for one in sorted(MANIFESTS.glob("*.yaml"))]
    renamed: list[dict[str, Any]] = module.slipway_app(objects, "model-app", "shop")
    return renamed


@pytest.mark.parametrize("installed", [by_chart, by_playbook])
def test_no_other_name_is_left(installed: Any) -> None:
    objects = installed()
    assert not re.search(r"model-app-(staging|canary|production)", yaml.safe_dump(objects))
    rights = Rights([one for one in objects if one["kind"] in ("Role", "RoleBinding")])
    deploy = service_account("slipway-deploy")
    for environment in ("staging", "canary", "production"):
        application = Request("patch", "argoproj.io", "applications", "argocd", f"shop-{environment}")
        assert rights.refusal(deploy, application) is None
        assert rights.refusal(deploy, Request("list", "", "pods", f"shop-{environment}", "")) is None
    mine = Request("patch", "argoproj.io", "applications", "argocd", "model-app-staging")
    assert rights.refusal(deploy, mine) is not None


def test_the_settings_follow_the_name() -> None:
    (settings,) = (one for one in by_chart() if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "slipway")
    assert settings["data"]["SLIPWAY_APP"] == "shop"
