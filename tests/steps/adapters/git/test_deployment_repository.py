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
    assert repository.read(STAGING) is None
    assert repository.unwritten() == list(Environment)
    first = repository.write(STAGING, {"modelVersion": "7"}, "model-app-staging: version 7\n")
    assert repository.write(STAGING, {"modelVersion": "7"}, "again\n") == first
    assert server.log() == ["model-app-staging: version 7", "change charts/model-app/values-staging.yaml"]
    assert yaml.safe_load(server.show(PATH, first)) == {"modelVersion": "7"}
    assert server.show("charts/model-app/values-staging.yaml") == "replicas: 2 # a person's"
    assert repository.read(STAGING) == {"modelVersion": "7"}
    assert repository.read(CANARY) is None
    assert repository.unwritten() == [CANARY, Environment.PRODUCTION]


def test_what_is_text_stays_text_for_helm(server: GitServer) -> None:
    """Helm reads YAML as Go does: `1234e56` without quotes is a number, and so are `08` and `0x1f`."""
    values = {"image": {"tag": "1.10"}, "revision": "1234e56", "modelVersion": "08", "replicas": 0}
    repository = DeploymentRepository(settings(server))
    repository.write(STAGING, values, "seven\n")
    lines = server.show(PATH).splitlines()[1:]
    assert lines == ["image:", '  tag: "1.10"', 'revision: "1234e56"', 'modelVersion: "08"', "replicas: 0"]
    assert repository.read(STAGING) == values


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
    platform.deploy(STAGING, SEVEN, "release-model-ab12c")
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
    assert server.body() == [
        "Release: release-model-ab12c",
        "Model-Version: 7",
        "Environment: staging",
        "Source-Revision: abc",
    ]
    platform.empty(STAGING, "revert-model-xyz")
    assert server.body() == ["Release: revert-model-xyz", "Environment: staging"]
    assert yaml.safe_load(server.show(PATH)) == {"replicas": 0}
    assert platform.deployed(STAGING) is None
    assert server.log()[:2] == ["model-app-staging: empty", "model-app-staging: version 7 (staging-1.0.7)"]
    cluster.close()


def test_an_installation_that_changes_to_git_takes_along_what_runs(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Production was deployed by parameters, canary was emptied by them, when the installation began to use Git."""
    cluster = Cluster()
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))
    names = ("image.repository", "image.tag", "image.digest", "modelVersion", "revision")
    six = Candidate(version="6", digest="sha256:" + "6" * 64, revision="1234e56")
    told = dict(zip(names, ("r.example/app", "production-1.0.6", six.digest, "6", six.revision), strict=True))
    cluster.application("model-app-staging", {})
    cluster.application("model-app-canary", {"replicas": "0"})
    production = cluster.application("model-app-production", {**told, "other": "x"})
    platform = KubernetesPlatform(settings(server, registry="r.example"))
    assert platform.deployed(Environment.PRODUCTION) == six, "what runs is known before anything is committed"
    assert platform.deployed(CANARY) is None
    before = dict(cluster.objects[production]["spec"]["source"])

    platform.deploy(STAGING, SEVEN, "release-model-ab12c")
    path = PATH.replace("staging", "production")
    assert yaml.safe_load(server.show(path)) == {
        "image": {"repository": "r.example/app", "tag": "production-1.0.6", "digest": six.digest},
        "modelVersion": "6",
        "revision": "1234e56",
    }
    assert yaml.safe_load(server.show(PATH.replace("staging", "canary"))) == {"replicas": 0}
    assert cluster.objects[production]["spec"]["source"] == before, "another environment's release does not touch it"
    assert "model-app-production: as it is, version 6 (production-1.0.6)" in server.log()
    commits = len(server.log())

    assert platform.deployed(Environment.PRODUCTION) == six
    platform.deploy(Environment.PRODUCTION, SEVEN, "promote-ab12c")
    left = cluster.objects[production]["spec"]["source"]["helm"]["parameters"]
    assert [one["name"] for one in left] == ["other"], "its parameters would override Git from now on"
    assert platform.deployed(Environment.PRODUCTION) == SEVEN
    assert len(server.log()) == commits + 1
    cluster.close()


def test_an_application_that_cannot_be_read_does_not_stop_a_release_elsewhere(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))
    cluster.application("model-app-staging", {})
    platform = KubernetesPlatform(settings(server, registry="r.example"))
    platform.deploy(STAGING, SEVEN)
    assert platform.deployed(STAGING) == SEVEN
    assert server.log()[0] == "model-app-staging: version 7 (staging-1.0.7)"
    cluster.close()


def server_head(server: GitServer) -> str:
    from git_server import git

    return git("rev-parse", "main", cwd=server.bare)
