"""What the chart platform renders to."""

import json
from typing import Any

import pytest
import yaml
from rendered_charts import DIGEST, platform, rendered, slipway, validator

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
    assert set(volumes) == {"postgresql", "s3", "s3-accounts", "registry"}
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


def repository(values: dict[str, Any]) -> dict[str, Any]:
    """The artifact repository that Argo takes for all workflows of the namespace."""
    found = platform(values)["ConfigMap", "artifact-repositories"]
    key = found["metadata"]["annotations"]["workflows.argoproj.io/default-artifact-repository"]
    loaded: dict[str, Any] = yaml.safe_load(found["data"][key])
    return loaded


def test_argo_archives_logs_with_keys_of_their_own() -> None:
    own, theirs = repository({}), repository(ELSEWHERE)
    assert own["archiveLogs"] is theirs["archiveLogs"] is True
    assert own["s3"] == {
        "endpoint": "s3.slipway.svc.cluster.local:7070",
        "insecure": True,
        "region": "us-east-1",
        "bucket": "slipway-logs",
        "keyFormat": "{{workflow.name}}/{{pod.name}}",
        "accessKeySecret": {"name": "slipway-logs", "key": "access-key-id"},
        "secretKeySecret": {"name": "slipway-logs", "key": "secret-access-key"},
    }
    assert (theirs["s3"]["endpoint"], theirs["s3"]["insecure"]) == ("s3.example", False)
    aws = repository({"s3": {"enabled": False, "existing": {"region": "eu-central-1"}}})
    assert aws["s3"]["endpoint"] == "s3.eu-central-1.amazonaws.com"


def test_tested_pipelines_keep_artifacts_in_the_same_bucket_and_no_logs() -> None:
    values: dict[str, Any] = {"s3": {"logs": {"namespaces": ["slipway-perf"]}}}
    found = [one for one in rendered("platform", values) if one["metadata"]["name"] == "artifact-repositories"]
    releases, tests = (yaml.safe_load(one["data"]["slipway"]) for one in found)
    assert [one["metadata"]["namespace"] for one in found] == ["slipway", "slipway-perf"]
    assert (releases["archiveLogs"], tests["archiveLogs"]) == (True, False)
    assert tests["s3"] == releases["s3"]
    sources = [one for rule in platform(values)["NetworkPolicy", "s3"]["spec"]["ingress"] for one in rule["from"]]
    names = [one.get("namespaceSelector", {}).get("matchLabels", {}) for one in sources]
    (source,) = [one for one, name in zip(sources, names, strict=True) if "slipway-perf" in name.values()]
    assert "podSelector" in source, "only pods of workflows"


def test_mlflows_pod_makes_the_account_of_the_logs() -> None:
    def container(values: dict[str, Any]) -> dict[str, Any]:
        spec = platform(values)["Deployment", "mlflow"]["spec"]["template"]["spec"]
        found: dict[str, Any] = spec["initContainers"][-1]
        return found

    own, theirs = settings_of(container({})), settings_of(container(ELSEWHERE))
    assert own["LOGS_ACCESS_KEY_ID"]["name"] == theirs["LOGS_ACCESS_KEY_ID"]["name"] == "slipway-logs"
    assert own["AWS_SECRET_ACCESS_KEY"] == {"name": "slipway-s3", "key": "secret-access-key"}
    assert "AWS_SECRET_ACCESS_KEY" not in theirs, "the account of an existing store is not made here"
    assert container({})["command"][1] == "/opt/slipway/log_bucket.py"
    store = platform()["Deployment", "s3"]["spec"]["template"]["spec"]
    assert settings_of(store["containers"][0])["VGW_IAM_DIR"] == "/accounts"
    assert {"name": "accounts", "mountPath": "/accounts"} in store["containers"][0]["volumeMounts"]


@pytest.mark.parametrize("values", [{"s3": {"logs": {"enabled": False}}}, {"mlflow": {"enabled": False}}])
def test_no_step_waits_for_keys_that_nobody_has_made(values: dict[str, Any]) -> None:
    objects = platform(values)
    assert ("ConfigMap", "artifact-repositories") not in objects
    assert "workflows.argoproj.io/workflow" not in json.dumps(objects["NetworkPolicy", "s3"])


def test_the_pods_of_steps_reach_the_store_and_others_do_not() -> None:
    rules = platform({"s3": {"logs": {"argoNamespace": "workflows"}}})["NetworkPolicy", "s3"]["spec"]["ingress"]
    sources = [one for rule in rules for one in rule["from"]]
    of_steps = {"matchExpressions": [{"key": "workflows.argoproj.io/workflow", "operator": "Exists"}]}
    assert {"podSelector": of_steps} in sources
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "workflows"}}} in sources
    assert len(sources) == 3


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


def test_a_mirror_serves_the_images_of_others() -> None:
    values = {"imageRegistry": "m.example/x", "s3": {"image": {"digest": DIGEST}}}
    images = {
        container["image"]
        for (kind, _), one in platform(values).items()
        if kind == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
    }
    assert {image for image in images if not image.startswith("m.example/x/")} == {
        "registry.kube-system.svc.cluster.local:5000/slipway/mlflow:0.1.0"
    }
    assert f"m.example/x/versity/versitygw@{DIGEST}" in images
