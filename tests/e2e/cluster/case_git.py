"""An installation whose releases are commits: Argo CD deploys what Git has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from e2e.cluster.git_pod import URL
from e2e.cluster.installation import APP, GROUP, Installation, Object
from e2e.cluster.playbooks import Playbooks

IMAGE = ("image.repository", "image.tag", "image.digest", "modelVersion", "revision")


@contextmanager
def committing(installation: Installation, playbooks: Playbooks) -> Iterator[None]:
    """The installation commits meanwhile. `doctor` takes the running versions along, there and back.

    It ends with the playbook as it is, so that the cases that follow find nothing of this one to change.
    """
    in_git = {"slipway_chart_values": {"config": {"SLIPWAY_DEPLOY_REPOSITORY": URL}}}
    turn(installation, playbooks, **in_git)
    yield
    turn(installation, playbooks)


def turn(installation: Installation, playbooks: Playbooks, **variables: Any) -> None:
    """Install with these variables, and bring the environments into line."""
    playbooks.succeed("platform.yml", **variables)
    mended = installation.slipway("doctor", "--mend")
    assert mended.code == 0, mended.out + mended.err


@pytest.fixture(scope="module", autouse=True)
def git_mode(installation: Installation, playbooks: Playbooks) -> Iterator[None]:
    """The installation commits while the cases of this file run."""
    with committing(installation, playbooks):
        yield


def application(installation: Installation, environment: str) -> Object:
    found: Object = installation.custom.get_namespaced_custom_object(
        *GROUP, "argocd", "applications", f"{APP}-{environment}"
    )
    return found


def test_a_release_and_a_revert_are_commits(installation: Installation) -> None:
    commits = []
    for template in ("release-model", "revert-model"):
        if template == "release-model":
            ended = installation.ended(installation.release(**installation.usual))
        else:
            ended = installation.ended(installation.submit(template, target_environment="canary"))
        assert ended["status"]["phase"] == "Succeeded", ended["status"].get("message")
        app = application(installation, "canary")
        told = [one["name"] for one in (app["spec"]["source"]["helm"].get("parameters") or [])]
        assert not set(told) & set(IMAGE), "parameters of the Application would override what Git has"
        assert (app["status"]["sync"]["status"], app["status"]["health"]["status"]) == ("Synced", "Healthy")
        commits.append(app["status"]["sync"]["revision"])
    assert len(set(commits)) == 2
    assert all(len(commit) == 40 for commit in commits)
