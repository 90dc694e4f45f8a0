"""What the chart slipway renders to."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml
from rendered_charts import CHARTS, DIGEST, EVENTS, deep, platform, rendered, slipway, validator

from slipway_steps.settings import PROJECT_ROOT, Settings


def test_slipway_holds_every_manifest() -> None:
    found = set(slipway(EVENTS))
    for path in (PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"):
        one = yaml.safe_load(path.read_text())
        # in namespaces that installations share it is named after the installation
        shared = "set-image|read-applications|test-pipelines"
        shared += "|report-results|pipeline" if path.stem.endswith("-slipway-perf") else ""
        name = re.sub(f"^slipway-({shared})$", r"ml-\1", one["metadata"]["name"])
        assert (one["kind"], name) in found, path
    assert ("ConfigMap", "slipway") in found


def test_what_is_switched_off_is_not_there() -> None:
    kinds = {kind for kind, _ in slipway({"cron": {"enabled": False}})}
    assert kinds.isdisjoint({"CronWorkflow", "EventBus", "EventSource", "Sensor"})
    with pytest.raises(Exception, match="owner is required"):
        slipway({"events": {"enabled": True}})


def test_links_are_settings_of_the_steps() -> None:
    assert slipway({})["ConfigMap", "slipway"]["data"]["SLIPWAY_MLFLOW_URL"] == ""
    addresses = {"argo": "https://a.example", "argocd": "https://c.example", "mlflow": "https://m.example"}
    config = slipway({"links": addresses})["ConfigMap", "slipway"]["data"]
    for name, address in addresses.items():
        assert config[f"SLIPWAY_{name.upper()}_URL"] == address
    assert config["SLIPWAY_WORKFLOWS_NAMESPACE"] == "ml"
    with pytest.raises(Exception, match=r"(?i)schema|pattern"):
        slipway({"links": {"argo": "argo.example"}})


OURS = {
    "registry": "m.example:5000/team",
    "tag": "0.2.0",
    "digests": {"train": DIGEST},
    "pullSecrets": ["puller"],
    "insecure": False,
}
"""One setting, the same in both charts and in the inventory."""


def named(objects: dict[tuple[str, str], dict[str, Any]], key: str = "image") -> set[str]:
    """Every value of a key, wherever it stands."""
    return set(re.findall(rf'"{key}": "([^"{{]*)"', json.dumps(list(objects.values()))))


def test_one_setting_says_where_our_images_are() -> None:
    objects = slipway(EVENTS | {"images": OURS})
    assert named(objects) - {"docker.io/moby/buildkit:v0.29.0-rootless"} == {
        "m.example:5000/team/slipway/steps:0.2.0",
        "m.example:5000/team/slipway/handler:0.2.0",
        f"m.example:5000/team/slipway/train@{DIGEST}",
    }
    config = objects["ConfigMap", "slipway"]["data"]
    assert config["SLIPWAY_APP_BASE"] == "m.example:5000/team/slipway/app:0.2.0"
    # releases push where our images are, and both are read as the setting says
    assert config["SLIPWAY_REGISTRY"] == "m.example:5000/team"
    assert config["SLIPWAY_REGISTRY_INSECURE"] == config["SLIPWAY_APP_BASE_INSECURE"] == "false"
    accounts = [one for (kind, _), one in objects.items() if kind == "ServiceAccount"]
    assert {one["metadata"]["namespace"] for one in accounts if "imagePullSecrets" in one} == {"ml", "slipway-perf"}
    mine = [one for one in accounts if one["metadata"]["namespace"] == "ml"]
    assert all(one["imagePullSecrets"] == [{"name": "puller"}] for one in mine)
    builds = objects["WorkflowTemplate", "build-images"]["spec"]["arguments"]["parameters"]
    assert {"m.example:5000/team", "0.2.0"} <= {one.get("value") for one in builds}
    deployed = platform({"images": OURS})["Deployment", "mlflow"]["spec"]["template"]["spec"]
    assert {one["image"] for one in deployed["containers"] + deployed["initContainers"]} == {
        "m.example:5000/team/slipway/mlflow:0.2.0"
    }
    assert deployed["imagePullSecrets"] == [{"name": "puller"}]


def buildkit(objects: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """What BuildKit knows of registries, by host."""
    text = objects["ConfigMap", "slipway-buildkit"]["data"]["buildkitd.toml"]
    found: dict[str, Any] = tomllib.loads(text)["registry"]
    return found


def test_buildkit_speaks_to_the_registry_as_the_setting_says() -> None:
    """Plain HTTP where it is allowed, and nowhere else; BuildKit names a registry by its host, without a prefix."""
    (host, options) = next(iter(buildkit(slipway({"images": OURS})).items()))
    assert host == "m.example:5000"
    assert "http" not in options
    silent = {key: value for key, value in OURS.items() if key != "insecure"}
    assert "http" not in buildkit(slipway({"images": silent}))["m.example:5000"]
    assert buildkit(slipway({"images": OURS | {"insecure": True}}))["m.example:5000"]["http"] is True
    assert buildkit(slipway({}))["registry.kube-system.svc.cluster.local:5000"]["http"] is True


def test_without_a_setting_our_images_are_in_the_registry_of_the_platform() -> None:
    objects = slipway({})
    assert "registry.kube-system.svc.cluster.local:5000/slipway/steps:0.1.0" in named(objects)
    config = objects["ConfigMap", "slipway"]["data"]
    assert config["SLIPWAY_APP_BASE"] == "registry.kube-system.svc.cluster.local:5000/slipway/app:0.1.0"
    assert config["SLIPWAY_REGISTRY_INSECURE"] == config["SLIPWAY_APP_BASE_INSECURE"] == "true"
    assert not any("imagePullSecrets" in one for one in objects.values())


def test_images_and_namespaces_are_the_installation_s() -> None:
    values = deep(EVENTS, {"images": {"registry": "r.example", "digests": {"steps": DIGEST}}, "argocdNamespace": "cd"})
    objects = slipway(values)
    text = json.dumps(list(objects.values()))
    assert f"r.example/slipway/steps@{DIGEST}" in text
    assert "r.example/slipway/train:0.1.0" in text
    assert '"docker.io/moby/buildkit:v0.29.0-rootless"' in text
    moved = slipway({"build": {"image": {"registry": "m.example", "digest": DIGEST}}})
    assert f"m.example/moby/buildkit@{DIGEST}" in named(moved)
    assert "your-" not in text
    assert objects["EventSource", "github-push"]["spec"]["github"]["push"]["repositories"][0]["owner"] == "acme"
    for role in ("ml-set-image", "ml-read-applications"):
        assert objects["Role", role]["metadata"]["namespace"] == "cd"
        assert objects["RoleBinding", role]["roleRef"]["name"] == role
    for binding in (one for (kind, _), one in objects.items() if kind == "RoleBinding"):
        apart = binding["metadata"]["namespace"] in ("slipway-build", "slipway-perf")
        own = apart and binding["metadata"]["name"].endswith("-report-results")
        home = binding["metadata"]["namespace"] if own else "ml"
        assert {subject["namespace"] for subject in binding["subjects"]} == {home}


def test_plain_http_is_never_spoken_to_a_registry_of_somebody_else_unless_allowed() -> None:
    config = slipway({"images": {"registry": "r.example"}})["ConfigMap", "slipway"]["data"]
    assert config["SLIPWAY_REGISTRY_INSECURE"] == config["SLIPWAY_APP_BASE_INSECURE"] == "false"
    locked = slipway({"images": {"insecure": False}})  # the registry of the platform, with a certificate
    config = locked["ConfigMap", "slipway"]["data"]
    assert config["SLIPWAY_REGISTRY_INSECURE"] == config["SLIPWAY_APP_BASE_INSECURE"] == "false"
    assert "http" not in buildkit(locked)["registry.kube-system.svc.cluster.local:5000"]


@pytest.mark.parametrize("chart", ["slipway", "platform"])
@pytest.mark.parametrize("wrong", [{"registri": "r"}, {"tag": "latest"}, {"digests": {"steps": "sha256:1"}}])
def test_a_mistake_about_our_images_is_refused(chart: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"(?i)schema|values"):
        rendered(chart, {"images": wrong})


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


def test_performance_tests_can_be_moved_and_left_out() -> None:
    def of_tests(values: dict[str, Any]) -> set[tuple[str, str]]:
        found = rendered("slipway", values, "ml")
        return {
            (one["kind"], one["metadata"].get("namespace", one["metadata"]["name"]))
            for one in found
            if "perf" in one["metadata"]["name"] or "perf" in one["metadata"].get("namespace", "")
        }

    roles = {("Role", "fast"), ("RoleBinding", "fast"), ("ServiceAccount", "fast")}
    moved = {one for one in of_tests({"perf": {"namespace": "fast"}}) if one[0] not in ("WorkflowTemplate",)}
    assert slipway({"perf": {"namespace": "fast"}})["ConfigMap", "slipway"]["data"]["SLIPWAY_PERF_NAMESPACE"] == "fast"
    assert not [one for one in moved if "slipway-perf" in one]
    found = rendered("slipway", {"perf": {"namespace": "fast"}}, "ml")
    assert roles <= {(one["kind"], one["metadata"].get("namespace", "")) for one in found}
    assert ("Namespace", "slipway-perf") in of_tests({})
    assert ("Namespace", "slipway-perf") not in of_tests({"perf": {"createNamespace": False}})
    assert of_tests({"perf": {"enabled": False}}) == set()


def test_installations_share_the_namespace_of_performance_tests() -> None:
    def there(namespace: str) -> dict[tuple[str, str], dict[str, Any]]:
        found = rendered("slipway", {"perf": {"createNamespace": False}}, namespace)
        return {
            (one["kind"], one["metadata"]["name"]): one
            for one in found
            if one["metadata"].get("namespace") == "slipway-perf"
        }

    first, second = there("slipway"), there("ml")
    assert first.keys()
    assert not first.keys() & second.keys(), "Helm refuses what another release has made"
    bound = second["RoleBinding", "ml-report-results"]
    assert bound["roleRef"]["name"] == "ml-report-results"
    assert [one["name"] for one in bound["subjects"]] == ["ml-pipeline"]
    assert ("ServiceAccount", "ml-pipeline") in second
    assert slipway({})["ConfigMap", "slipway"]["data"]["SLIPWAY_PERF_SERVICE_ACCOUNT"] == "ml-pipeline"


def test_tested_pipelines_have_the_images_and_pull_secrets_of_the_installation() -> None:
    values = {"images": {"registry": "r.example", "digests": {"steps": DIGEST}, "pullSecrets": ["puller"]}}
    objects = slipway(values)
    assert objects["ServiceAccount", "ml-pipeline"]["imagePullSecrets"] == [{"name": "puller"}]
    config = objects["ConfigMap", "slipway"]["data"]
    settings = Settings.model_validate({"images": config["SLIPWAY_IMAGES"]})
    assert settings.images == {
        "steps": f"r.example/slipway/steps@{DIGEST}",
        "train": "r.example/slipway/train:0.1.0",
        "handler": "r.example/slipway/handler:0.1.0",
    }


def test_nodes_may_be_read_only_where_that_is_asked_for() -> None:
    assert not [key for key in slipway({}) if key[0].startswith("Cluster")]
    # also where the playbook applies the manifests
    objects = slipway({"perf": {"readNodes": True}, "manifests": {"enabled": False}})
    assert objects["ClusterRole", "ml-read-nodes"]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
    ]
    (subject,) = objects["ClusterRoleBinding", "ml-read-nodes"]["subjects"]
    assert (subject["name"], subject["namespace"]) == ("slipway-perf", "ml")


def test_templates_can_be_left_to_another_tool() -> None:
    assert {kind for kind, _ in slipway({"manifests": {"enabled": False}})} == {"ConfigMap", "NetworkPolicy"}


def test_the_controller_is_told_to_look_soon() -> None:
    """The playbook and Argo's own chart say the same."""
    values = yaml.safe_load((CHARTS / "argo-workflows-values.yaml").read_text())
    role = PROJECT_ROOT / "ansible" / "roles" / "argo_workflows" / "defaults" / "main.yml"
    wanted = yaml.safe_load(role.read_text())["argo_workflows_requeue_time"]
    assert values["controller"]["extraEnv"] == [{"name": "DEFAULT_REQUEUE_TIME", "value": wanted}]


def test_releases_that_start_by_themselves_take_the_installations_parameters() -> None:
    wanted = {"data-claim": "food-11", "dataset": "/data/food-11", "seed": "08"}
    objects = slipway(deep(EVENTS, {"releaseParameters": wanted}))
    nightly = objects["CronWorkflow", "cron-train"]["spec"]["workflowSpec"]
    given = [{"name": name, "value": value} for name, value in wanted.items()]
    assert nightly["arguments"]["parameters"] == given
    assert nightly["workflowTemplateRef"] == {"name": "release-model"}
    (trigger,) = objects["Sensor", "release-on-push"]["spec"]["triggers"]
    source = trigger["template"]["k8s"]["source"]["resource"]
    # the Sensor writes the commit into the first parameter
    assert source["spec"]["arguments"]["parameters"] == [{"name": "revision", "value": ""}, *given]
    assert "arguments" not in objects["CronWorkflow", "cron-doctor"]["spec"]["workflowSpec"]
    with pytest.raises(Exception, match=r"(?i)schema|values"):
        slipway({"releaseParameters": {"seed": 8}})


def test_steps_look_for_other_releases_where_workflows_run() -> None:
    assert slipway({})["ConfigMap", "slipway"]["data"]["SLIPWAY_WORKFLOWS_NAMESPACE"] == "ml"


def test_the_code_of_a_package_reaches_nothing_but_what_its_step_needs() -> None:
    policy = slipway({})["NetworkPolicy", "slipway-handler"]
    selector = policy["spec"]["podSelector"]["matchLabels"]
    templates = slipway({})["WorkflowTemplate", "test-handler"]["spec"]["templates"]
    (handler,) = (one for one in templates if one["name"] == "handler")
    assert selector.items() <= handler["metadata"]["labels"].items()
    others = [one["metadata"]["labels"] for one in templates if one["name"] == "rejected"]
    assert all(not selector.items() <= labels.items() for labels in others)
    spec = policy["spec"]
    assert (spec["policyTypes"], spec["ingress"]) == (["Ingress", "Egress"], [])
    dns, inside, server = spec["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    named = inside["to"][0]["podSelector"]["matchExpressions"][0]["values"]
    for name in named:
        deployed = platform({})["Deployment", name]["spec"]["template"]["metadata"]["labels"]
        assert deployed["app.kubernetes.io/name"] == name
    blocks = {one["ipBlock"]["cidr"] for one in server["to"]}
    assert blocks == {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, "no public address"
    elsewhere = {"to": [{"ipBlock": {"cidr": "203.0.113.7/32"}}], "ports": [{"port": 443}]}
    given = {"enabled": True, "apiServer": {"cidrs": ["10.1.2.3/32"], "ports": [6443]}, "egress": [elsewhere]}
    spec = slipway({"handlerNetworkPolicy": given})["NetworkPolicy", "slipway-handler"]["spec"]
    assert spec["egress"][2:] == [
        {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]},
        elsewhere,
    ]
    assert ("NetworkPolicy", "slipway-handler") not in slipway({"handlerNetworkPolicy": {"enabled": False}})
