"""The playbook that describes the Applications of the environments."""

from dataclasses import dataclass

import pytest
from ansible_runs import Playbooks, Run, namespaces

from slipway_steps.adapters.argocd.application import ArgoCD
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

REPOSITORY = "https://git.example/slipway.git"
LOGIN = {"argocd_applications_repo_username": "reader", "argocd_applications_repo_password": "pass-word-1"}
RELEASED = [{"name": "image.tag", "value": "staging-1.0.7"}, {"name": "image.digest", "value": "sha256:77"}]
MINE = [{"name": "image.tag", "value": "first"}, {"name": "logLevel", "value": "2"}]
HOSTS = {
    "new": {"argocd_applications_repo_url": REPOSITORY, **LOGIN},
    "released": {
        "argocd_applications_repo_url": REPOSITORY,
        "argocd_applications_parameters": MINE,
        "slipway_environments": ["staging", "canary"],
    },
}
"""A cluster without Applications, and one in which a release has set an image."""
IMAGE = {"image.repository": "r.example/model-app", "image.tag": "canary-1.0.8", "image.digest": "sha256:88"}


@dataclass
class Played:
    playbooks: Playbooks
    checked: Run
    writes_of_check: list[str]
    first: Run
    left: list[dict[str, object]]
    second: Run


def release(playbooks: Playbooks, host: str, environment: Environment) -> list[dict[str, object]]:
    """A release by its own code. Returns the parameters that it leaves; no Argo CD is here that would sync them."""
    api = playbooks.apis[host]
    kubeconfig = str(api.kubeconfig(playbooks.directory / f"release-{host}"))
    settings = Settings(home=playbooks.directory, kubeconfig=kubeconfig, operation_timeout=0.5)
    with pytest.raises(PlatformError, match="was not synced"):
        ArgoCD(Api(settings), settings).set(environment, IMAGE)
    found = api.get("Application", f"model-app-{environment}", "argocd")["spec"]["source"]["helm"]["parameters"]
    return list(found)


@pytest.fixture(scope="module")
def played(clusters):
    playbooks = clusters(HOSTS)
    for api in playbooks.apis.values():
        namespaces(api, "argocd")
    parameters = [*RELEASED, {"name": "x", "value": "0"}]
    playbooks.apis["released"].add(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "model-app-staging", "namespace": "argocd"},
            "spec": {"source": {"repoURL": REPOSITORY, "helm": {"parameters": parameters}}},
            "operation": {"sync": {}},
        }
    )
    checked = playbooks("argocd_apps.yml", "--check", "--diff", "-vvv", "--limit=new")
    writes = list(playbooks.apis["new"].writes)
    first = playbooks("argocd_apps.yml", "--diff", "-vvv")
    left = release(playbooks, "released", Environment.CANARY)
    return Played(playbooks, checked, writes, first, left, playbooks("argocd_apps.yml"))


def test_describes_each_environment_once_and_prints_no_password(played):
    assert played.checked.failed == {"new": 0}, played.checked.output
    assert played.writes_of_check == []
    assert played.first.failed["new"] == 0, played.first.output
    for output in (played.checked.output, played.first.output):
        assert "pass-word-1" not in output
        assert "cGFzcy13b3JkLTE" not in output
    api = played.playbooks.apis["new"]
    assert api.get("Secret", "slipway-repository", "argocd")["data"]["password"] == "cGFzcy13b3JkLTE="
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
    assert played.second.of("new") == (0, 0), played.second.output


def test_what_a_release_has_set_stays(played):
    assert played.first.failed["released"] == 0, played.first.output
    api = played.playbooks.apis["released"]
    staging = api.get("Application", "model-app-staging", "argocd")
    assert staging["spec"]["source"]["helm"]["parameters"] == [*RELEASED, MINE[1]]
    assert staging["operation"] == {"sync": {}}
    assert played.second.of("released") == (0, 0), played.second.output


def test_a_release_after_the_application_was_made_leaves_nothing_to_change(played):
    assert played.left[0] == {**MINE[0], "value": "canary-1.0.8", "forceString": True}
    assert played.left[1] == MINE[1], "a release writes its own parameters and no other"
    assert {str(one["name"]): one["value"] for one in played.left} == {**IMAGE, "logLevel": "2"}
    canary = played.playbooks.apis["released"].get("Application", "model-app-canary", "argocd")
    assert canary["spec"]["source"]["helm"]["parameters"] == played.left
    assert played.second.of("released") == (0, 0), played.second.output
