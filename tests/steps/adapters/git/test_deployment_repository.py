"""Commits to a real bare repository over HTTP, with others pushing at the same time."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from git_server import PASSWORD, USER, GitServer
from kube_server import Cluster

from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.git.deployment_repository import DeploymentRepository
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
STAGING, CANARY = Environment.STAGING, Environment.CANARY
PATH = "charts/model-app/release-staging.yaml"
SEVEN = Candidate(version="7", digest="sha256:" + "7" * 64, revision="abc")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    found = GitServer(tmp_path)
    found.commit("charts/model-app/values-staging.yaml", "replicas: 2 # a person's\n")
    yield found
    found.close()


def settings(server: GitServer, **more: object) -> Settings:
    given = {"deploy_repository": server.url, "deploy_username": USER, "deploy_password": PASSWORD, **more}
    return Settings.model_validate(given)


def test_a_release_is_one_commit_and_twice_is_once(server: GitServer) -> None:
    repository = DeploymentRepository(settings(server))
    assert repository.read(STAGING) == {}
    first = repository.write(STAGING, {"modelVersion": "7"}, "model-app-staging: version 7\n")
    assert repository.write(STAGING, {"modelVersion": "7"}, "again\n") == first
    assert server.log() == ["model-app-staging: version 7", "change charts/model-app/values-staging.yaml"]
    assert yaml.safe_load(server.show(PATH, first)) == {"modelVersion": "7"}
    assert server.show("charts/model-app/values-staging.yaml") == "replicas: 2 # a person's"
    assert repository.read(STAGING) == {"modelVersion": "7"}
    assert repository.read(CANARY) == {}


def test_a_push_in_between_is_built_upon(server: GitServer) -> None:
    server.before_push = lambda: server.commit("README.md", "meanwhile\n") and None
    revision = DeploymentRepository(settings(server)).write(STAGING, {"modelVersion": "7"}, "seven\n")
    assert server.log()[:2] == ["seven", "change README.md"]
    assert server.show("README.md", revision) == "meanwhile"


def test_many_at_once_lose_nothing(server: GitServer) -> None:
    failed: list[BaseException] = []

    def write(environment: Environment, version: str) -> None:
        try:
            DeploymentRepository(settings(server)).write(environment, {"modelVersion": version}, f"{environment}\n")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(one, str(at))) for at, one in enumerate(Environment)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(server.log()) == 1 + len(Environment)
    for at, environment in enumerate(Environment):
        assert DeploymentRepository(settings(server)).read(environment) == {"modelVersion": str(at)}


def test_a_server_that_stumbles_is_asked_again(server: GitServer) -> None:
    server.faults = [503, 502]
    assert DeploymentRepository(settings(server)).write(STAGING, {"modelVersion": "7"}, "seven\n")
    assert server.log()[0] == "seven"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"deploy_password": "wr0ng"}, "it asks for a password"),
        ({"deploy_branch": "nowhere"}, "has no branch nowhere"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(server: GitServer, given: dict[str, str], said: str) -> None:
    with pytest.raises(PlatformError, match=said) as found:
        DeploymentRepository(settings(server, **given)).write(STAGING, {}, "x\n")
    assert "wr0ng" not in str(found.value)
    assert PASSWORD not in str(found.value)


def test_a_repository_that_is_not_there(server: GitServer) -> None:
    few = RetryPolicy(attempts=2, first_wait=0.0)
    with pytest.raises(PlatformError, match="there is no repository"):
        DeploymentRepository(settings(server, deploy_repository=server.url.replace("deploy", "other")), few).read(
            STAGING
        )
    server.close()
    with pytest.raises(PlatformError, match="is it up"):
        DeploymentRepository(settings(server), few).read(STAGING)


def test_values_that_somebody_broke_are_refused(server: GitServer) -> None:
    server.commit(PATH, "just words\n")
    with pytest.raises(PlatformError, match="holds no values"):
        DeploymentRepository(settings(server)).read(STAGING)


def test_a_deployment_is_committed_and_that_commit_synced(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))
    path = cluster.application("model-app-staging", {"image.tag": "by-hand", "replicas": "0", "other": "x"})
    platform = KubernetesPlatform(settings(server, registry="r.example/team"))
    assert platform.deployed(STAGING) is None
    platform.deploy(STAGING, SEVEN)
    assert yaml.safe_load(server.show(PATH)) == {
        "image": {"repository": "r.example/team/model-app", "tag": "staging-1.0.7", "digest": SEVEN.digest},
        "modelVersion": "7",
        "revision": "abc",
    }
    patch = cluster.patches[-1]
    assert patch["operation"]["sync"]["revision"] == server_head(server)
    assert patch["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": "normal"}
    left = cluster.objects[path]["spec"]["source"]["helm"]["parameters"]
    assert [one["name"] for one in left] == ["other"]
    assert platform.deployed(STAGING) == SEVEN
    platform.empty(STAGING)
    assert yaml.safe_load(server.show(PATH)) == {"replicas": 0}
    assert platform.deployed(STAGING) is None
    assert server.log()[:2] == ["model-app-staging: empty", "model-app-staging: version 7 (staging-1.0.7)"]
    cluster.close()


def server_head(server: GitServer) -> str:
    from git_server import git

    return git("rev-parse", "main", cwd=server.bare)
