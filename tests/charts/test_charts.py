"""What the charts render to."""

import json
from typing import Any

import pytest
import yaml

from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.settings import PROJECT_ROOT, Settings

helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")

CHARTS = PROJECT_ROOT / "charts"
DIGEST = "sha256:" + "b" * 64
RELEASED = {"image": {"repository": "r.example/team/model-app", "tag": "staging-1.0.7", "digest": DIGEST}}
FOREIGN = ("HTTPRoute", "ReferenceGrant", "ServiceMonitor")
"""Kinds that no schema is at hand for."""


def deep(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**base, **{k: deep(base.get(k) or {}, v) if isinstance(v, dict) else v for k, v in more.items()}}


def rendered(chart: str, values: dict[str, Any], namespace: str = "slipway") -> list[dict[str, Any]]:
    with helm.Chart.load(CHARTS / chart) as loaded:
        files = loaded.render(values=values, name="test", namespace=namespace)
    texts = files.values() if isinstance(files, dict) else [files]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


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
    """As Argo CD renders it before the first release, with parameters and in Git mode: release-*.yaml is not there yet."""
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


EVENTS = {"events": {"enabled": True, "github": {"owner": "acme", "repository": "models"}}}


def slipway(values: dict[str, Any], namespace: str = "ml") -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in rendered("slipway", values, namespace)}


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


def platform(values: dict[str, Any] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in rendered("platform", values or {})}


LOCKED = {"registry": {"htpasswdSecret": "users", "tlsSecret": "cert", "clusterIP": "10.96.0.50"}}
ELSEWHERE = {
    "postgresql": {"enabled": False, "existing": {"host": "db.example", "port": 6432, "sslMode": "verify-full"}},
    "s3": {"enabled": False, "existing": {"endpoint": "https://s3.example", "region": "eu-central-1"}},
    "registry": {"enabled": False},
}
PLATFORMS = [{}, LOCKED, ELSEWHERE, {"storageClass": "fast", "imageRegistry": "m.example/x", "imagePullSecrets": ["p"]}]


@pytest.mark.parametrize("values", PLATFORMS, ids=["as it is", "locked", "elsewhere", "mirror"])
def test_kubernetes_would_take_the_platform(values: dict[str, Any]) -> None:
    for one in platform(values).values():
        validator.validate(one, "1.34", strict=True)


def test_pods_of_the_platform_are_restricted_and_probed() -> None:
    deployments = [one for (kind, _), one in platform(LOCKED).items() if kind == "Deployment"]
    assert len(deployments) == 4
    for one in deployments:
        spec = one["spec"]["template"]["spec"]
        assert not spec["automountServiceAccountToken"]
        assert not spec["enableServiceLinks"], "a Service's variables would be taken for settings"
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert one["spec"]["strategy"] == {"type": "Recreate"}
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"]
            assert not own["allowPrivilegeEscalation"]
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]) == {"requests", "limits"}
        for container in spec["containers"]:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_volumes_outlive_the_platform() -> None:
    volumes = {name: one for (kind, name), one in platform().items() if kind == "PersistentVolumeClaim"}
    assert set(volumes) == {"postgresql", "s3", "registry"}
    for one in volumes.values():
        assert one["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "slipway"
        assert "storageClassName" not in one["spec"]
    named = platform({"storageClass": "fast"})
    assert named["PersistentVolumeClaim", "s3"]["spec"]["storageClassName"] == "fast"


def test_services_are_where_others_look_for_them() -> None:
    service = platform()["Service", "registry"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    assert f"{name}.{namespace}.svc.cluster.local:5000" == "registry.kube-system.svc.cluster.local:5000"
    config = slipway({}, "ml")["ConfigMap", "slipway"]["data"]
    assert config["SLIPWAY_REGISTRY"] == "registry.kube-system.svc.cluster.local:5000"
    assert config["SLIPWAY_TRACKING_URI"] == "http://mlflow.ml.svc.cluster.local:5000"
    assert platform()["Service", "mlflow"]["spec"]["ports"][0]["port"] == 5000
    allowed = [one for one in mlflow({})["args"] if one.startswith("--allowed-hosts=")]
    assert "mlflow.slipway.svc.cluster.local:*" in allowed[0]


def mlflow(values: dict[str, Any]) -> dict[str, Any]:
    spec = platform(values)["Deployment", "mlflow"]["spec"]["template"]["spec"]
    found: dict[str, Any] = spec["containers"][0]
    return found


def settings_of(container: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value") or one["valueFrom"]["secretKeyRef"] for one in container["env"]}


def test_an_existing_part_is_used_in_its_place() -> None:
    own, theirs = settings_of(mlflow({})), settings_of(mlflow(ELSEWHERE))
    assert (own["PGHOST"], own["PGPORT"], own["MLFLOW_S3_ENDPOINT_URL"]) == ("postgresql", "5432", "http://s3:7070")
    assert (theirs["PGHOST"], theirs["PGPORT"], theirs["PGSSLMODE"]) == ("db.example", "6432", "verify-full")
    assert theirs["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.example"
    assert theirs["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert {name for kind, name in platform(ELSEWHERE) if kind == "Deployment"} == {"mlflow"}
    with pytest.raises(Exception, match=r"existing\.host is required"):
        platform({"postgresql": {"enabled": False}})


def test_no_password_is_on_a_command_line_or_in_an_address() -> None:
    for container in (mlflow({}), mlflow(ELSEWHERE)):
        settings = settings_of(container)
        assert settings["PGPASSWORD"] == {"name": "slipway-postgresql", "key": "password"}
        assert "@" not in settings["MLFLOW_BACKEND_STORE_URI"]
        assert "PASSWORD" not in json.dumps(container["args"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"postgres": {}},
        {"s3": {"image": {"tag": "latest"}}},
        {"s3": {"bucket": "No_Bucket"}},
        {"registry": {"image": {"digest": "sha256:1"}}},
    ],
)
def test_a_mistake_in_the_platform_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"(?i)schema|values"):
        platform(wrong)


def test_a_mirror_serves_every_image() -> None:
    values = {"imageRegistry": "m.example/x", "s3": {"image": {"digest": DIGEST}}}
    images = {
        container["image"]
        for (kind, _), one in platform(values).items()
        if kind == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
    }
    assert all(image.startswith("m.example/x/") for image in images)
    assert f"m.example/x/versity/versitygw@{DIGEST}" in images


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


def test_no_chart_holds_a_secret_or_a_moving_image() -> None:
    for one in [*app("production", **EVERYTHING).values(), *slipway(EVENTS).values(), *platform(LOCKED).values()]:
        assert one["kind"] != "Secret"
        assert ":latest" not in json.dumps(one)


@pytest.mark.parametrize("chart", ["model-app", "platform", "slipway"])
def test_helm_s_own_linter_is_content(chart: str) -> None:
    values = RELEASED if chart == "model-app" else {}
    found = helm.lint(CHARTS / chart, values)
    assert found["errors"] == []
    assert [one for one in found["messages"] if one["severity"] > 1] == []
