"""Nothing is found in what this repository deploys, and every fault that is planted into it is."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from sampling import for_acceptance, sampled
from workflows.validation.charts import CHARTS, RELEASED, values

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.validation.deployment import validate
from slipway_workflows.validation.faults import FAULTS
from slipway_workflows.validation.self_test import plant_all

pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")

ROUTE = {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["app.example"], "canaryWeight": 10}
EVERYTHING: dict[str, Any] = {
    "replicas": 2,
    "autoscaling": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "httpRoute": ROUTE,
}
EVENTS = {
    "events": {"enabled": True, "github": {"owner": "acme", "repository": "models"}},
    "perf": {"prometheusRule": {"enabled": True}, "grafanaDashboard": {"enabled": True}},
}
HEALTH = {"health": {"enabled": True, "serviceMonitor": {"enabled": True}}}


@pytest.mark.parametrize("environment", ["staging", "canary", "production"])
@pytest.mark.parametrize("more", [{}, EVERYTHING], ids=["as it is", "everything on"])
def test_the_app_is_clean_in_each_environment(environment: str, more: dict[str, Any], tmp_path: Path) -> None:
    given = [
        CHARTS / "model-app" / f"values-{environment}.yaml",
        values(tmp_path, RELEASED + (yaml.safe_dump(more) if more else "")),
    ]
    found = validate([CHARTS / "model-app"], given)
    assert found.findings == []
    assert {one.finding.rule for one in found.waived} == ({"SD002 no-schema"} if more else set())


@pytest.mark.parametrize(
    ("chart", "more"), [("platform", {}), ("slipway", {}), ("slipway", EVENTS), ("slipway", HEALTH)]
)
def test_the_other_charts_are_clean(chart: str, more: dict[str, Any], tmp_path: Path) -> None:
    found = validate([CHARTS / chart], [values(tmp_path, yaml.safe_dump(more))])
    assert found.findings == []
    assert all(one.reason for one in found.waived)


def test_images_workflows_and_the_compose_file_are_clean() -> None:
    found = validate([PROJECT_ROOT / "images", PROJECT_ROOT / ".github" / "workflows", PROJECT_ROOT / "compose.yaml"])
    assert found.findings == []
    waived = {(Path(one.finding.file).parent.name, one.finding.rule.split()[0]) for one in found.waived}
    assert {one for one in waived if one[0] in ("handler", "steps", "train")} == {
        ("handler", "SD119"),
        ("steps", "SD119"),
        ("train", "SD119"),
    }
    assert [one.finding.rule for one in found.waived if one.finding.file.endswith("compose.yaml")] == [
        "SD117 runs-as-root",
        "SD117 runs-as-root",
    ]
    assert "5 Dockerfiles, 1 compose file" in found.what


def test_two_environments_that_claim_one_host_are_found_together(tmp_path: Path) -> None:
    """The canary once rendered production's route too."""
    more = RELEASED + yaml.safe_dump({"httpRoute": ROUTE})
    routes = []
    for environment in ("canary", "production"):
        helm = pytest.importorskip("helm_python")
        own = yaml.safe_load((CHARTS / "model-app" / f"values-{environment}.yaml").read_text())
        with helm.Chart.load(CHARTS / "model-app") as chart:
            texts = chart.render(values={**own, **yaml.safe_load(more)}, name="x", namespace="x")
        file = tmp_path / f"{environment}.yaml"
        file.write_text("\n---\n".join(texts.values()))
        routes.append(file)
    assert "SD109" not in {one.rule.split()[0] for one in validate(routes).findings}
    canary = yaml.safe_load_all(routes[1].read_text())
    (again,) = [one for one in canary if one and one["kind"] == "HTTPRoute"]
    again["metadata"] = {"name": "model-app-canary", "namespace": "model-app-canary"}
    again["spec"]["parentRefs"] = [{"name": "gateway", "namespace": "model-app-production"}]
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(again))
    assert "SD109" in {one.rule.split()[0] for one in validate([*routes, tmp_path / "again.yaml"]).findings}


@pytest.mark.parametrize("environment", sampled(["staging", "canary", "production"], 3))
def test_every_fault_in_the_app_s_chart_is_found_by_its_code(environment: str, tmp_path: Path) -> None:
    given = [CHARTS / "model-app" / f"values-{environment}.yaml", values(tmp_path)]
    planted = plant_all([CHARTS / "model-app"], given)
    assert [one.fault for one in planted] == [fault.name for fault in FAULTS]
    assert len(planted) == 26
    for one in planted:
        assert one.code in {code for codes in one.found.values() for code in codes}, one.told


@pytest.mark.parametrize(("chart", "more"), [("platform", {}), for_acceptance("slipway", HEALTH)])
def test_every_fault_in_the_other_charts_is_found(chart: str, more: dict[str, Any], tmp_path: Path) -> None:
    planted = plant_all([CHARTS / chart], [values(tmp_path, yaml.safe_dump(more))])
    assert [one.told for one in planted if one.missed or one.why] == []
