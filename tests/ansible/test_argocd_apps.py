"""The playbook that describes the Applications of the environments."""

import pytest

REPOSITORY = "https://git.example/slipway.git"


@pytest.fixture(autouse=True)
def argocd(api):
    api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})


def test_describes_each_environment_once_and_prints_no_password(api, playbook):
    variables = {
        "argocd_applications_repo_url": REPOSITORY,
        "argocd_applications_repo_username": "reader",
        "argocd_applications_repo_password": "pass-word-1",
    }
    checked = playbook("argocd_apps.yml", "--check", "--diff", "-vvv", **variables)
    assert checked.failed == 0, checked.output
    assert api.writes == []
    first = playbook("argocd_apps.yml", "--diff", "-vvv", **variables)
    assert first.failed == 0, first.output
    assert "pass-word-1" not in checked.output + first.output
    assert "cGFzcy13b3JkLTE" not in checked.output + first.output
    staging = api.get("Application", "model-app-staging", "argocd")["spec"]
    assert staging["source"] == {
        "repoURL": REPOSITORY,
        "targetRevision": "main",
        "path": "charts/model-app",
        "helm": {
            "valueFiles": ["values-staging.yaml", "release-staging.yaml"],
            "ignoreMissingValueFiles": True,
        },
    }
    assert staging["destination"]["namespace"] == "model-app-staging"
    project = api.get("AppProject", "slipway", "argocd")["spec"]
    assert [one["namespace"] for one in project["destinations"]] == ["model-app-staging"]
    second = playbook("argocd_apps.yml", **variables)
    assert (second.changed, second.failed) == (0, 0), second.output


def test_what_a_release_has_set_stays(api, playbook):
    released = [{"name": "image.tag", "value": "staging-1.0.7"}, {"name": "image.digest", "value": "sha256:77"}]
    api.add(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "model-app-staging", "namespace": "argocd"},
            "spec": {
                "source": {"repoURL": REPOSITORY, "helm": {"parameters": [*released, {"name": "x", "value": "0"}]}}
            },
            "operation": {"sync": {}},
        }
    )
    mine = [{"name": "image.tag", "value": "first"}, {"name": "replicas", "value": "2"}]
    variables = {
        "argocd_applications_repo_url": REPOSITORY,
        "argocd_applications_parameters": mine,
        "slipway_environments": ["staging", "canary"],
    }
    first = playbook("argocd_apps.yml", **variables)
    assert first.failed == 0, first.output
    staging = api.get("Application", "model-app-staging", "argocd")
    assert staging["spec"]["source"]["helm"]["parameters"] == [*released, mine[1]]
    assert staging["operation"] == {"sync": {}}
    canary = api.get("Application", "model-app-canary", "argocd")
    assert canary["spec"]["source"]["helm"]["parameters"] == mine
    second = playbook("argocd_apps.yml", **variables)
    assert (second.changed, second.failed) == (0, 0), second.output


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"slipway_images": {"pullSecrets": ["puller"]}}, "puller"),
        ({"slipway_registry_login": {"username": "robot", "password": "x"}}, "slipway-registry"),
    ],
)
def test_pull_secrets_of_our_images_reach_the_app(api, playbook, setting, name):
    run = playbook("argocd_apps.yml", argocd_applications_repo_url=REPOSITORY, **setting)
    assert run.failed == 0, run.output
    source = api.get("Application", "model-app-staging", "argocd")["spec"]["source"]
    assert source["helm"]["parameters"] == [{"name": "image.pullSecrets[0]", "value": name, "forceString": True}]


def test_the_chart_is_told_the_names_of_this_installation(api, playbook):
    """Its values name the app `model-app`, and let the workflows of the namespace `slipway` in."""
    variables = {"argocd_applications_repo_url": REPOSITORY, "slipway_app": "shop"}
    run = playbook("argocd_apps.yml", **variables, slipway_namespace="other")
    assert run.failed == 0, run.output
    parameters = api.get("Application", "shop-staging", "argocd")["spec"]["source"]["helm"]["parameters"]
    assert {one["name"]: one["value"] for one in parameters} == {"app": "shop", "networkPolicy.namespaces[0]": "other"}
