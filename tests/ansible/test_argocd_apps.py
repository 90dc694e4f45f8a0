"""The playbook that describes the Applications of the environments."""

from dataclasses import dataclass

import pytest
from ansible_runs import Playbooks, Run, namespaces

REPOSITORY = "https://git.example/slipway.git"
LOGIN = {"argocd_applications_repo_username": "reader", "argocd_applications_repo_password": "pass-word-1"}
RELEASED = [{"name": "image.tag", "value": "staging-1.0.7"}, {"name": "image.digest", "value": "sha256:77"}]
MINE = [{"name": "image.tag", "value": "first"}, {"name": "replicas", "value": "2"}]
HOSTS = {
    "new": {"argocd_applications_repo_url": REPOSITORY, **LOGIN},
    "released": {
        "argocd_applications_repo_url": REPOSITORY,
        "argocd_applications_parameters": MINE,
        "slipway_environments": ["staging", "canary"],
    },
}
"""A cluster without Applications, and one in which a release has set an image."""


@dataclass
class Played:
    playbooks: Playbooks
    checked: Run
    writes_of_check: list[str]
    first: Run
    second: Run


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
    return Played(playbooks, checked, writes, first, playbooks("argocd_apps.yml"))


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
    canary = api.get("Application", "model-app-canary", "argocd")
    assert canary["spec"]["source"]["helm"]["parameters"] == MINE
    assert played.second.of("released") == (0, 0), played.second.output
