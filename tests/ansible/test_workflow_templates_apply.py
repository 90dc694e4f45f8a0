"""The playbook that applies workflows/manifests."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml

REGISTRY = "registry.kube-system.svc.cluster.local:5000"
"""Where our images are unless the inventory says otherwise: the registry of charts/platform."""
ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = ["slipway", "slipway-build", "argocd", "model-app-staging", "model-app-canary", "model-app-production"]


@pytest.fixture(autouse=True)
def namespaces(api):
    api.add(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES))


def images_of(api, *kinds):
    """The images of all templates as the server has them."""
    text = yaml.safe_dump([one for key, one in api.snapshot().items() if key[1] in kinds])
    return {line.split("image: ", 1)[1] for line in text.splitlines() if line.strip().startswith("image: ")}


def test_applies_every_manifest_and_changes_nothing_the_second_time(api, playbook):
    first = playbook("workflow_templates_apply.yml")
    assert first.failed == 0, first.output
    assert first.changed == 1
    wanted = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "workflows" / "manifests").glob("*.yaml"))]
    for one in wanted:
        there = api.get(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace", "slipway"))
        spec = json.loads(json.dumps(one).replace('"slipway/', f'"{REGISTRY}/slipway/'))
        assert {key: there[key] for key in spec if key != "metadata"} == {
            k: v for k, v in spec.items() if k != "metadata"
        }
    assert len(api.writes) == len(wanted)

    before = api.snapshot()
    second = playbook("workflow_templates_apply.yml")
    assert (second.changed, second.failed) == (0, 0), second.output
    assert api.snapshot() == before
    assert len(api.writes) == len(wanted)


def test_check_mode_asks_the_server_and_changes_nothing(api, playbook):
    before = api.snapshot()
    run = playbook("workflow_templates_apply.yml", "--check", "--diff")
    assert (run.changed, run.failed) == (1, 0), run.output
    assert api.writes == []
    assert api.snapshot() == before
    assert api.dry_runs == len(list((ROOT / "workflows" / "manifests").glob("*.yaml")))


def test_a_field_that_the_manifest_no_longer_has_goes_away(api, playbook, tmp_path):
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "slipway-train", "namespace": "slipway", "labels": {"a": "1", "b": "2"}},
    }
    (manifests / "a.yaml").write_text(yaml.safe_dump(account))
    playbook("workflow_templates_apply.yml", workflow_templates_directory=str(manifests))
    api.get("ServiceAccount", "slipway-train", "slipway")["metadata"]["labels"]["other"] = "kept"
    del account["metadata"]["labels"]["b"]
    (manifests / "a.yaml").write_text(yaml.safe_dump(account))
    run = playbook("workflow_templates_apply.yml", workflow_templates_directory=str(manifests))
    assert (run.changed, run.failed) == (1, 0), run.output
    labels = api.get("ServiceAccount", "slipway-train", "slipway")["metadata"]["labels"]
    assert labels == {"a": "1", "other": "kept"}


def test_another_registry_and_another_namespace(api, playbook):
    api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}})
    kinds = ["WorkflowTemplate", "RoleBinding"]
    run = playbook(
        "workflow_templates_apply.yml",
        slipway_namespace="ml",
        workflow_templates_kinds=kinds,
        slipway_image_registry="mirror.example:5000/team",
        slipway_image_overrides={"slipway/train:0.1.0": "mirror.example/train@sha256:" + "0" * 64},
    )
    assert run.failed == 0, run.output
    assert images_of(api, "workflowtemplates") == {
        "mirror.example:5000/team/slipway/steps:0.1.0",
        "mirror.example:5000/team/moby/buildkit:v0.29.0-rootless",
        "mirror.example/train@sha256:" + "0" * 64,
    }
    assert not [key for key in api.objects if key[2] == "slipway"]
    binding = api.get("RoleBinding", "ml-set-image", "argocd")
    assert {subject["namespace"] for subject in binding["subjects"]} == {"ml"}


def test_our_images_are_where_the_inventory_says_and_others_where_the_mirror_is(api, playbook):
    digest = "sha256:" + "1" * 64
    run = playbook(
        "workflow_templates_apply.yml",
        workflow_templates_kinds=["WorkflowTemplate", "ServiceAccount", "ConfigMap"],
        slipway_image_registry="mirror.example:5000",
        slipway_images={
            "registry": "harbor.example/ml",
            "tag": "0.2.0",
            "digests": {"train": digest},
            "pullSecrets": ["puller"],
        },
    )
    assert run.failed == 0, run.output
    assert images_of(api, "workflowtemplates") == {
        "harbor.example/ml/slipway/steps:0.2.0",
        f"harbor.example/ml/slipway/train@{digest}",
        "mirror.example:5000/moby/buildkit:v0.29.0-rootless",
    }
    assert api.get("ServiceAccount", "slipway-train", "slipway")["imagePullSecrets"] == [{"name": "puller"}]
    assert "imagePullSecrets" not in api.get("ServiceAccount", "slipway-build-images", "slipway-build")
    builds = api.get("WorkflowTemplate", "build-images", "slipway-build")["spec"]["arguments"]["parameters"]
    assert {"harbor.example/ml", "0.2.0"} <= {one.get("value") for one in builds}
    assert list(registries(api)) == ["harbor.example"]
    assert "http" not in registries(api)["harbor.example"]


def registries(api):
    """What BuildKit knows of registries, by host."""
    data = api.get("ConfigMap", "slipway-buildkit", "slipway-build")["data"]
    return tomllib.loads(data["buildkitd.toml"])["registry"]


def test_buildkit_speaks_plain_http_to_the_registry_of_the_platform(api, playbook):
    assert playbook("workflow_templates_apply.yml", workflow_templates_kinds=["ConfigMap"]).failed == 0
    assert registries(api)[REGISTRY]["http"] is True


def test_a_login_is_the_pull_secret_of_every_step_and_means_tls(api, playbook):
    run = playbook(
        "workflow_templates_apply.yml",
        workflow_templates_kinds=["ServiceAccount", "ConfigMap"],
        slipway_registry_login={"username": "robot", "password": "x"},
    )
    assert run.failed == 0, run.output
    accounts = [one for key, one in api.snapshot().items() if key[1] == "serviceaccounts" and key[2] == "slipway"]
    assert accounts
    assert all(one["imagePullSecrets"] == [{"name": "slipway-registry"}] for one in accounts)
    assert "http" not in registries(api)[REGISTRY]


def test_a_slip_in_the_setting_is_refused_by_name(api, playbook):
    run = playbook("workflow_templates_apply.yml", slipway_images={"registri": "harbor.example"})
    assert run.failed == 1
    assert "registri" in run.output
    assert api.writes == []


def test_another_name_of_the_app(api, playbook):
    namespaces = ("shop-staging", "shop-canary", "shop-production")
    api.add(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces))
    run = playbook("workflow_templates_apply.yml", slipway_app="shop", workflow_templates_kinds=["Role"])
    assert run.failed == 0, run.output
    assert api.get("Role", "slipway-set-image", "argocd")["rules"][0]["resourceNames"] == list(namespaces)
    assert {key[2] for key in api.objects if key[3] == "slipway-observe"} == set(namespaces)


def test_only_the_kinds_asked_for_and_no_builds(api, playbook):
    del api.objects[("v1", "namespaces", "", "slipway-build")]
    kinds = ["CronWorkflow", "ConfigMap"]
    run = playbook("workflow_templates_apply.yml", workflow_templates_kinds=kinds, workflow_templates_build=False)
    assert run.failed == 0, run.output
    assert {words.split()[1] for words in api.writes} == {"cronworkflows"}


def test_a_missing_namespace_is_refused_by_name(api, playbook):
    del api.objects[("v1", "namespaces", "", "model-app-canary")]
    run = playbook("workflow_templates_apply.yml")
    assert run.failed == 1
    assert "There is no namespace model-app-canary. Run platform.yml first" in " ".join(run.output.split())
    assert api.writes == []


def test_releases_that_start_by_themselves_take_the_inventorys_parameters(api, playbook):
    run = playbook(
        "workflow_templates_apply.yml",
        workflow_templates_kinds=["CronWorkflow", "Sensor"],
        workflow_templates_release_parameters={"dataset": "/data/food-11", "data-claim": "food-11"},
    )
    assert run.failed == 0, run.output
    given = [{"name": "data-claim", "value": "food-11"}, {"name": "dataset", "value": "/data/food-11"}]
    nightly = api.get("CronWorkflow", "cron-train", "slipway")["spec"]["workflowSpec"]
    assert nightly["arguments"]["parameters"] == given
    (trigger,) = api.get("Sensor", "release-on-push", "slipway")["spec"]["triggers"]
    arguments = trigger["template"]["k8s"]["source"]["resource"]["spec"]["arguments"]
    assert arguments["parameters"] == [{"name": "revision", "value": ""}, *given]


def test_a_second_installation_leaves_the_first_its_rights(api, playbook):
    others = ["slipway-e2e", *(f"e2e-app-{environment}" for environment in ("staging", "canary", "production"))]
    api.add(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in others))
    playbook("workflow_templates_apply.yml")
    before = api.get("Role", "slipway-set-image", "argocd")
    second = {"slipway_namespace": "slipway-e2e", "slipway_app": "e2e-app", "workflow_templates_build": False}
    run = playbook("workflow_templates_apply.yml", **second)
    assert run.failed == 0, run.output
    assert api.get("Role", "slipway-set-image", "argocd") == before
    names = api.get("Role", "slipway-e2e-set-image", "argocd")["rules"][0]["resourceNames"]
    assert names == ["e2e-app-staging", "e2e-app-canary", "e2e-app-production"]
    binding = api.get("RoleBinding", "slipway-e2e-set-image", "argocd")
    assert binding["roleRef"]["name"] == "slipway-e2e-set-image"
    assert {one["namespace"] for one in binding["subjects"]} == {"slipway-e2e"}
