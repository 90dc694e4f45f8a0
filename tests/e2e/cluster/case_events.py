"""Pushes as GitHub sends them, to the EventSource of the installation."""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import pytest
from e2e.cluster.installation import GROUP, NAMESPACE, Installation
from e2e.cluster.playbooks import Playbooks
from kubernetes.client.exceptions import ApiException

SERVICE = "github-push-eventsource-svc"


def send(installation: Installation, secret: str, event: str, payload: dict[str, Any]) -> int:
    """Post a signed event through the API server's proxy; returns the EventSource's status."""
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    client = installation.client
    client.update_params_for_auth(headers, [], ["BearerToken"])
    url = f"{client.configuration.host}/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}:12000/proxy/push"
    answer = client.rest_client.pool_manager.request("POST", url, body=body, headers=headers, timeout=30)
    return int(answer.status)


def push(commit: str, branch: str = "main") -> dict[str, Any]:
    repository = {"name": "your-repository", "full_name": "your-organisation/your-repository"}
    return {"ref": f"refs/heads/{branch}", "after": commit, "deleted": False, "repository": repository}


def releases_of(installation: Installation, commit: str) -> list[str]:
    found = installation.custom.list_namespaced_custom_object(*GROUP, NAMESPACE, "workflows")["items"]
    return [one["metadata"]["name"] for one in found if one["metadata"]["name"].endswith(commit)]


@pytest.fixture(scope="module")
def secret(installation: Installation, playbooks: Playbooks) -> str:
    """The webhook's secret, once the EventSource answers."""
    ping = {"zen": "Keep it logically awesome.", "ref": "refs/heads/main"}

    def answers() -> bool:
        try:
            return send(installation, playbooks.webhook_secret, "ping", ping) == 200
        except ApiException:
            return False

    installation.until("the EventSource answers", answers, 300)
    return playbooks.webhook_secret


def test_a_push_to_main_starts_one_release_and_a_redelivery_none(installation: Installation, secret: str) -> None:
    before = installation.served()
    commit = secrets.token_hex(20)
    assert send(installation, secret, "push", push(commit)) == 200
    installation.until("a release starts", lambda: releases_of(installation, commit), 60)
    assert send(installation, secret, "push", push(commit)) == 200
    time.sleep(10)
    (name,) = releases_of(installation, commit)
    assert name == f"release-{commit}"
    installation.said("stop", name)
    installation.ended(name)
    assert installation.served() == before


def test_a_forged_push_is_refused(installation: Installation, secret: str) -> None:
    commit = secrets.token_hex(20)
    assert send(installation, "guessed", "push", push(commit)) == 400
    time.sleep(10)
    assert releases_of(installation, commit) == []


def test_a_push_to_another_branch_starts_nothing(installation: Installation, secret: str) -> None:
    commit = secrets.token_hex(20)
    assert send(installation, secret, "push", push(commit, "feature")) == 200
    time.sleep(10)
    assert releases_of(installation, commit) == []
