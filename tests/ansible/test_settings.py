"""What the roles make of the inventory's settings, before anything is applied: manifests, Applications, Secrets."""

import tomllib

import pytest
import yaml

REGISTRY = "registry.kube-system.svc.cluster.local:5000"
"""Where our images are unless the inventory says otherwise: the registry of charts/platform."""
DIGEST = "sha256:" + "1" * 64
TRAIN = "mirror.example/train@sha256:" + "0" * 64
RIGHTS = ["Role", "RoleBinding"]
HOSTS = {
    "plain": {"workflow_templates_kinds": ["ConfigMap", *RIGHTS]},
    "mirrored": {
        "workflow_templates_kinds": ["WorkflowTemplate", "RoleBinding"],
        "slipway_namespace": "ml",
        "slipway_image_registry": "mirror.example:5000/team",
        "slipway_image_overrides": {"slipway/train:0.1.0": TRAIN},
    },
    "imaged": {
        "workflow_templates_kinds": ["WorkflowTemplate", "ServiceAccount", "ConfigMap"],
        "slipway_image_registry": "mirror.example:5000",
        "slipway_images": {
            "registry": "harbor.example/ml",
            "tag": "0.2.0",
            "digests": {"train": DIGEST},
            "pullSecrets": ["puller"],
        },
    },
    "login": {
        "workflow_templates_kinds": ["ServiceAccount", "ConfigMap"],
        "slipway_registry_login": {"username": "robot", "password": "x"},
    },
    "tested": {
        "workflow_templates_kinds": [*RIGHTS, "ServiceAccount"],
        "slipway_namespace": "ml",
        "secrets_entries": [
            {"namespace": "ml", "name": "slipway-logs", "data": {"access-key-id": "a", "secret-access-key": "b"}},
            {"namespace": "ml", "name": "slipway-s3", "data": {"access-key-id": "c"}},
        ],
    },
    "certificate": {"workflow_templates_kinds": ["Role"], "slipway_registry_login": {"ca": "x"}},
    "shop": {"workflow_templates_kinds": ["Role"], "slipway_app": "shop"},
    "few": {"workflow_templates_kinds": ["CronWorkflow", "ConfigMap"], "workflow_templates_build": False},
    "releases": {
        "workflow_templates_kinds": ["CronWorkflow", "Sensor"],
        "workflow_templates_release_parameters": {"dataset": "/data/food-11", "data-claim": "food-11"},
    },
    "pushed": {
        "workflow_templates_kinds": ["EventSource", "Sensor"],
        "workflow_templates_events_github": {"owner": "acme", "repository": "models"},
        "slipway_namespace": "ml",
    },
    "unnamed": {"workflow_templates_kinds": ["EventSource"]},
    "second": {
        "workflow_templates_kinds": RIGHTS,
        "slipway_namespace": "slipway-e2e",
        "slipway_app": "e2e-app",
        "workflow_templates_build": False,
        "workflow_templates_perf": False,
    },
}
"""Installations by what is set in them. Each names the kinds that its tests look at: all of them take a while."""


@pytest.fixture(scope="module")
def rendered(clusters):
    environments = {"slipway_environments": ["staging", "canary", "production"]}
    return clusters({name: environments | host for name, host in HOSTS.items()}).rendered()


def place(one, default="slipway"):
    """Kind, namespace and name of an object; without a namespace it goes where the workflows run."""
    return one["kind"], one["metadata"].get("namespace", default), one["metadata"]["name"]


@pytest.fixture
def manifests(rendered):
    """manifests(host): its manifests by kind, namespace and name."""

    def placed(host):
        default = HOSTS[host].get("slipway_namespace", "slipway")
        return {place(one, default): one for one in rendered[host]["workflow_templates_objects"]}

    return placed


def images_of(objects):
    """The images of all WorkflowTemplates."""
    text = yaml.safe_dump([one for key, one in objects.items() if key[0] == "WorkflowTemplate"])
    return {line.split("image: ", 1)[1] for line in text.splitlines() if line.strip().startswith("image: ")}


def registries(objects):
    """What BuildKit knows of registries, by host."""
    data = objects["ConfigMap", "slipway-build", "slipway-buildkit"]["data"]
    return tomllib.loads(data["buildkitd.toml"])["registry"]


def parameters(rendered, host, application):
    """The Helm parameters of an Application."""
    found = {place(one): one for one in rendered[host]["applications"]}
    return found["Application", "argocd", application]["spec"]["source"]["helm"]["parameters"]


def test_another_registry_and_another_namespace(manifests):
    objects = manifests("mirrored")
    assert images_of(objects) == {
        "mirror.example:5000/team/slipway/handler:0.1.0",
        "mirror.example:5000/team/slipway/steps:0.1.0",
        "mirror.example:5000/team/moby/buildkit:v0.29.0-rootless",
        TRAIN,
    }
    assert not [key for key in objects if key[1] == "slipway"]
    binding = objects["RoleBinding", "argocd", "ml-set-image"]
    assert {subject["namespace"] for subject in binding["subjects"]} == {"ml"}


def test_our_images_are_where_the_inventory_says_and_others_where_the_mirror_is(manifests):
    objects = manifests("imaged")
    assert images_of(objects) == {
        "harbor.example/ml/slipway/handler:0.2.0",
        "harbor.example/ml/slipway/steps:0.2.0",
        f"harbor.example/ml/slipway/train@{DIGEST}",
        "mirror.example:5000/moby/buildkit:v0.29.0-rootless",
    }
    assert objects["ServiceAccount", "slipway", "slipway-train"]["imagePullSecrets"] == [{"name": "puller"}]
    assert "imagePullSecrets" not in objects["ServiceAccount", "slipway-build", "slipway-build-images"]
    builds = objects["WorkflowTemplate", "slipway-build", "build-images"]["spec"]["arguments"]["parameters"]
    assert {"harbor.example/ml", "0.2.0"} <= {one.get("value") for one in builds}
    assert list(registries(objects)) == ["harbor.example"]
    assert "http" not in registries(objects)["harbor.example"]


def test_buildkit_speaks_plain_http_to_the_registry_of_the_platform(manifests):
    assert registries(manifests("plain"))[REGISTRY]["http"] is True


def test_a_login_is_the_pull_secret_of_every_step_and_means_tls(manifests):
    objects = manifests("login")
    places = ("slipway", "slipway-perf")
    accounts = [one for key, one in objects.items() if key[0] == "ServiceAccount" and key[1] in places]
    assert {one["metadata"]["namespace"] for one in accounts} == {*places}
    assert all(one["imagePullSecrets"] == [{"name": "slipway-registry"}] for one in accounts)
    assert "http" not in registries(objects)[REGISTRY]


def test_the_namespace_of_performance_tests_has_the_keys_of_artifacts(rendered):
    secrets = {place(one): one["data"] for one in rendered["tested"]["secrets"]}
    assert secrets["Secret", "slipway-perf", "slipway-logs"] == secrets["Secret", "ml", "slipway-logs"]
    assert ("Secret", "slipway-perf", "slipway-s3") not in secrets


def test_installations_share_the_namespace_of_performance_tests(manifests):
    objects = manifests("tested")
    names = {key[::2] for key in objects if key[1] == "slipway-perf"}
    rights = {(kind, f"ml-{name}") for kind in RIGHTS for name in ("report-results", "test-pipelines")}
    assert names == rights | {("ServiceAccount", "ml-pipeline")}
    binding = objects["RoleBinding", "slipway-perf", "ml-report-results"]
    assert (binding["roleRef"]["name"], binding["subjects"][0]["name"]) == ("ml-report-results", "ml-pipeline")


def test_a_registry_with_a_certificate_and_no_password(rendered):
    secrets = {place(one): one for one in rendered["certificate"]["secrets"]}
    secret = secrets["Secret", "slipway", "slipway-registry"]
    assert (secret["type"], list(secret["data"])) == ("Opaque", ["ca.crt"])


@pytest.mark.parametrize(("host", "name"), [("imaged", "puller"), ("login", "slipway-registry")])
def test_pull_secrets_of_our_images_reach_the_app(rendered, host, name):
    wanted = [{"name": "image.pullSecrets[0]", "value": name, "forceString": True}]
    assert parameters(rendered, host, "model-app-staging") == wanted


def test_the_chart_is_told_the_names_of_this_installation(rendered):
    """Its values name the app `model-app`, and let the workflows of the namespace `slipway` in."""
    told = {one["name"]: one["value"] for one in parameters(rendered, "second", "e2e-app-staging")}
    assert told == {"app": "e2e-app", "networkPolicy.namespaces[0]": "slipway-e2e"}


def test_another_name_of_the_app(manifests):
    objects = manifests("shop")
    names = ["shop-staging", "shop-canary", "shop-production"]
    assert objects["Role", "argocd", "slipway-set-image"]["rules"][0]["resourceNames"] == names
    assert {key[1] for key in objects if key[::2] == ("Role", "slipway-observe")} == set(names)


def test_only_the_kinds_asked_for_and_no_builds(manifests):
    assert {key[0] for key in manifests("few")} == {"CronWorkflow"}


def test_releases_that_start_by_themselves_take_the_inventorys_parameters(manifests):
    objects = manifests("releases")
    given = [{"name": "data-claim", "value": "food-11"}, {"name": "dataset", "value": "/data/food-11"}]
    nightly = objects["CronWorkflow", "slipway", "cron-train"]["spec"]["workflowSpec"]
    assert nightly["arguments"]["parameters"] == given
    (trigger,) = objects["Sensor", "slipway", "release-on-push"]["spec"]["triggers"]
    arguments = trigger["template"]["k8s"]["source"]["resource"]["spec"]["arguments"]
    assert arguments["parameters"] == [{"name": "revision", "value": ""}, *given]


def repositories(objects, namespace):
    """The repositories whose pushes release a model."""
    return objects["EventSource", namespace, "github-push"]["spec"]["github"]["push"]["repositories"]


def test_pushes_to_the_repository_of_the_inventory_release_a_model(manifests):
    objects = manifests("pushed")
    assert repositories(objects, "ml") == [{"owner": "acme", "names": ["models"]}]
    assert "your-" not in yaml.safe_dump(list(objects.values()))
    generated = [{"owner": "your-organisation", "names": ["your-repository"]}]
    assert repositories(manifests("unnamed"), "slipway") == generated


def test_a_second_installation_leaves_the_first_its_rights(manifests):
    first, second = manifests("plain"), manifests("second")
    assert first.keys()
    assert not first.keys() & second.keys(), "a right of the first is written again"
    names = second["Role", "argocd", "slipway-e2e-set-image"]["rules"][0]["resourceNames"]
    assert names == ["e2e-app-staging", "e2e-app-canary", "e2e-app-production"]
    binding = second["RoleBinding", "argocd", "slipway-e2e-set-image"]
    assert binding["roleRef"]["name"] == "slipway-e2e-set-image"
    assert {one["namespace"] for one in binding["subjects"]} == {"slipway-e2e"}
