"""What the chart model-app renders to."""

from typing import Any

import pytest
import yaml
from rendered_charts import CHARTS, DIGEST, EVERYTHING, FOREIGN, RELEASED, app, deep, rendered, validator

from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.settings import Settings


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("more", [{}, EVERYTHING], ids=["as it is", "everything on"])
def test_kubernetes_would_take_it(environment: str, more: dict[str, Any]) -> None:
    for kind, one in app(environment, **more).items():
        assert one["metadata"]["namespace"] == f"model-app-{environment}"
        if kind not in FOREIGN:
            validator.validate(one, "1.34", strict=True)


def container(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def test_the_digest_decides_and_the_app_is_told_it() -> None:
    found = container(app(modelVersion="7"))
    assert found["image"] == f"r.example/team/model-app@{DIGEST}"
    assert {"name": "SLIPWAY_IMAGE_DIGEST", "value": DIGEST} in found["env"]
    assert container(app(image={"digest": ""}))["image"] == "r.example/team/model-app:staging-1.0.7"


def test_names_are_what_the_steps_look_for() -> None:
    objects = app("canary")
    host = service_host(Settings().app, Environment.CANARY)
    service = objects["Service"]["metadata"]
    assert host == f"{service['name']}.{service['namespace']}.svc.cluster.local:8000"
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/instance"] == "model-app-canary"
    assert container(objects)["name"] == "app"


def test_limits_are_those_of_the_requirement() -> None:
    settings = Settings()
    limits = container(app())["resources"]["limits"]
    assert limits == {"cpu": f"{settings.cpu_limit_millicores}m", "memory": f"{settings.memory_limit_mib}Mi"}


def test_pods_are_restricted() -> None:
    spec = app()["Deployment"]["spec"]["template"]["spec"]
    assert not spec["automountServiceAccountToken"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    own = spec["containers"][0]["securityContext"]
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}


def test_an_emptied_environment_needs_no_image() -> None:
    """Argo CD's parameters are strings."""
    empty = rendered("model-app", {"replicas": "0"})
    (deployment,) = (one for one in empty if one["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 0


@pytest.mark.parametrize("environment", list(Environment))
def test_an_environment_that_no_release_has_reached_is_synced_with_nothing_in_it(environment: str) -> None:
    """As Argo CD renders it before the first release; in Git mode release-*.yaml is not there yet."""
    own = yaml.safe_load((CHARTS / "model-app" / f"values-{environment}.yaml").read_text())
    assert rendered("model-app", own) == []
    assert rendered("model-app", deep(own, EVERYTHING)) == []


@pytest.mark.parametrize(
    "wrong", [{"imagee": {}}, {"environment": "mars"}, {"image": {"digest": "sha256:12"}}, {"replicas": -1}]
)
def test_a_mistake_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"(?i)schema|values"):
        rendered("model-app", deep(RELEASED, wrong))


def test_traffic_is_split_by_weight() -> None:
    route = app("production", **EVERYTHING)["HTTPRoute"]["spec"]["rules"][0]["backendRefs"]
    assert [(one["name"], one["weight"]) for one in route] == [
        ("model-app-production-service", 90),
        ("model-app-canary-service", 10),
    ]
    grant = app("canary", **EVERYTHING)["ReferenceGrant"]["spec"]
    assert grant["from"][0]["namespace"] == "model-app-production"
    monitor = app("canary", **EVERYTHING)["ServiceMonitor"]["spec"]
    assert monitor["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "30s"}]


def callers(objects: dict[str, dict[str, Any]]) -> list[str]:
    (rule,) = objects["NetworkPolicy"]["spec"]["ingress"]
    return [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["from"]]


def test_prometheus_reaches_what_it_is_told_to_scrape() -> None:
    assert callers(app("staging")) == ["slipway"]
    assert callers(app("staging", serviceMonitor={"enabled": True})) == ["slipway", "monitoring"]
    observed = {"enabled": True, "namespace": "observability"}
    assert callers(app("canary", serviceMonitor=observed)) == ["slipway", "gateway", "observability"]


def test_the_app_reports_to_nobody() -> None:
    assert {"name": "ORT_DISABLE_TELEMETRY", "value": "1"} in container(app())["env"]


@pytest.mark.parametrize("environment", list(Environment))
def test_values_of_an_environment_hold_only_differences(environment: str) -> None:
    common = yaml.safe_load((CHARTS / "model-app" / "values.yaml").read_text())
    own = yaml.safe_load((CHARTS / "model-app" / f"values-{environment}.yaml").read_text())
    assert {key for key in own if own[key] == common[key]} <= {"environment"}


def test_one_route_alone_claims_production_s_host() -> None:
    """The canary gets its share through production's route, which its grant allows."""
    claimed = [
        environment
        for environment in Environment
        if app(environment, **EVERYTHING).get("HTTPRoute", {}).get("spec", {}).get("hostnames") == ["app.example"]
    ]
    assert Environment.CANARY not in claimed
    assert Environment.PRODUCTION in claimed
    assert "ReferenceGrant" in app("canary", **EVERYTHING)
    assert "ReferenceGrant" not in app("production", **EVERYTHING)
