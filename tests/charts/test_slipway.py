"""What the chart slipway renders to."""

import json
from typing import Any

import pytest
import yaml
from rendered_charts import CHARTS, DIGEST, EVENTS, deep, rendered, slipway, validator

from slipway_steps.settings import PROJECT_ROOT


def test_slipway_holds_every_manifest() -> None:
    found = set(slipway(EVENTS))
    for path in (PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"):
        one = yaml.safe_load(path.read_text())
        assert (one["kind"], one["metadata"]["name"]) in found, path
    assert ("ConfigMap", "slipway") in found


def test_what_is_switched_off_is_not_there() -> None:
    kinds = {kind for kind, _ in slipway({"cron": {"enabled": False}})}
    assert kinds.isdisjoint({"CronWorkflow", "EventBus", "EventSource", "Sensor"})
    with pytest.raises(Exception, match="owner is required"):
        slipway({"events": {"enabled": True}})


def test_images_and_namespaces_are_the_installation_s() -> None:
    values = deep(EVENTS, {"images": {"registry": "r.example", "steps": {"digest": DIGEST}}, "argocdNamespace": "cd"})
    objects = slipway(values)
    text = json.dumps(list(objects.values()))
    assert f"r.example/slipway/steps@{DIGEST}" in text
    assert "r.example/slipway/train:0.1.0" in text
    assert '"docker.io/moby/buildkit:v0.29.0-rootless"' in text
    moved = json.dumps(list(slipway({"images": {"buildkit": {"registry": "m.example", "digest": DIGEST}}}).values()))
    assert f'"m.example/moby/buildkit@{DIGEST}"' in moved
    assert "your-" not in text
    assert '"slipway/steps' not in text
    assert objects["EventSource", "github-push"]["spec"]["github"]["push"]["repositories"][0]["owner"] == "acme"
    assert objects["Role", "slipway-set-image"]["metadata"]["namespace"] == "cd"
    for binding in (one for (kind, _), one in objects.items() if kind == "RoleBinding"):
        home = "slipway-build" if binding["metadata"]["namespace"] == "slipway-build" else "ml"
        assert {subject["namespace"] for subject in binding["subjects"]} == {home}


def test_core_objects_of_slipway_are_valid() -> None:
    for (kind, _), one in slipway(EVENTS).items():
        if kind in ("ServiceAccount", "Role", "RoleBinding", "ConfigMap"):
            validator.validate(one, "1.34", strict=True)


def test_building_images_can_be_left_out() -> None:
    def build(values: dict[str, Any]) -> set[str]:
        found = rendered("slipway", values, "ml")
        return {one["kind"] for one in found if one["metadata"].get("namespace") == "slipway-build"}

    assert build({}) == {"WorkflowTemplate", "ConfigMap", "ServiceAccount", "Role", "RoleBinding"}
    assert build({"build": {"enabled": False}}) == set()


def test_templates_can_be_left_to_another_tool() -> None:
    assert {kind for kind, _ in slipway({"manifests": {"enabled": False}})} == {"ConfigMap"}


def test_the_controller_is_told_to_look_soon() -> None:
    """The playbook and Argo's own chart say the same."""
    values = yaml.safe_load((CHARTS / "argo-workflows-values.yaml").read_text())
    role = PROJECT_ROOT / "ansible" / "roles" / "argo_workflows" / "defaults" / "main.yml"
    wanted = yaml.safe_load(role.read_text())["argo_workflows_requeue_time"]
    assert values["controller"]["extraEnv"] == [{"name": "DEFAULT_REQUEUE_TIME", "value": wanted}]
