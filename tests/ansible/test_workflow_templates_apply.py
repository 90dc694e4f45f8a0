"""The playbook that applies workflows/manifests. What it makes of the inventory's settings: test_settings.py."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from ansible_runs import ROOT, Playbooks, Run, namespaces

REGISTRY = "registry.kube-system.svc.cluster.local:5000"
"""Where our images are unless the inventory says otherwise: the registry of charts/platform."""
MANIFESTS = sorted((ROOT / "workflows" / "manifests").glob("*.yaml"))
NAMESPACES = [
    "slipway",
    "slipway-build",
    "slipway-perf",
    "argocd",
    "model-app-staging",
    "model-app-canary",
    "model-app-production",
]
ACCOUNT = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {"name": "slipway-train", "namespace": "slipway", "labels": {"a": "1", "b": "2"}},
}


@dataclass
class Played:
    """A dry run on the cluster `whole`, a first run on all, a second one on `whole` and `changed`.

    `checked_writes`, `checked_objects`: what the dry run left; `dry_runs`: how many requests it made as such.
    """

    playbooks: Playbooks
    before: dict[Any, Any]
    checked: Run
    checked_writes: list[str]
    checked_objects: dict[Any, Any]
    dry_runs: int
    first: Run
    first_writes: list[str]
    first_objects: dict[Any, Any]
    second: Run


@pytest.fixture(scope="module")
def played(clusters, tmp_path_factory):
    directory = tmp_path_factory.mktemp("manifests")
    (directory / "a.yaml").write_text(yaml.safe_dump(ACCOUNT))
    playbooks = clusters(
        {
            "whole": {},
            "changed": {"workflow_templates_directory": str(directory)},
            "slip": {"slipway_images": {"registri": "harbor.example"}},
            "half": {"workflow_templates_events_github": {"owner": "acme"}},
            "missing": {},
        }
    )
    for name, api in playbooks.apis.items():
        namespaces(api, *(one for one in NAMESPACES if name != "missing" or one != "model-app-canary"))
    whole = playbooks.apis["whole"]
    before = whole.snapshot()
    checked = playbooks("workflow_templates_apply.yml", "--check", "--diff", "--limit=whole")
    left = (list(whole.writes), whole.snapshot(), whole.dry_runs)
    first = playbooks("workflow_templates_apply.yml")
    applied = (list(whole.writes), whole.snapshot())
    playbooks.apis["changed"].get("ServiceAccount", "slipway-train", "slipway")["metadata"]["labels"]["other"] = "kept"
    account = copy.deepcopy(ACCOUNT)
    del account["metadata"]["labels"]["b"]
    (directory / "a.yaml").write_text(yaml.safe_dump(account))
    second = playbooks("workflow_templates_apply.yml", "--limit=whole,changed")
    return Played(playbooks, before, checked, *left, first, *applied, second)


def test_applies_every_manifest_and_changes_nothing_the_second_time(played):
    assert played.first.of("whole") == (1, 0), played.first.output
    api = played.playbooks.apis["whole"]
    for one in (yaml.safe_load(path.read_text()) for path in MANIFESTS):
        there = api.get(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace", "slipway"))
        spec = json.loads(json.dumps(one).replace('"slipway/', f'"{REGISTRY}/slipway/'))
        assert {key: there[key] for key in spec if key != "metadata"} == {
            k: v for k, v in spec.items() if k != "metadata"
        }
    assert len(played.first_writes) == len(MANIFESTS)
    assert played.second.of("whole") == (0, 0), played.second.output
    assert api.snapshot() == played.first_objects
    assert api.writes == played.first_writes


def test_check_mode_asks_the_server_and_changes_nothing(played):
    assert played.checked.of("whole") == (1, 0), played.checked.output
    assert played.checked_writes == []
    assert played.checked_objects == played.before
    assert played.dry_runs == len(MANIFESTS)


def test_a_field_that_the_manifest_no_longer_has_goes_away(played):
    assert played.second.of("changed") == (1, 0), played.second.output
    labels = played.playbooks.apis["changed"].get("ServiceAccount", "slipway-train", "slipway")["metadata"]["labels"]
    assert labels == {"a": "1", "other": "kept"}


def test_a_slip_in_the_setting_is_refused_by_name(played):
    assert played.first.failed["slip"] == 1
    assert "registri" in played.first.output
    assert played.playbooks.apis["slip"].writes == []


def test_a_repository_without_its_name_is_refused(played):
    assert played.first.failed["half"] == 1
    assert "workflow_templates_events_github needs both owner and repository" in played.first.said
    assert played.playbooks.apis["half"].writes == []


def test_a_missing_namespace_is_refused_by_name(played):
    assert played.first.failed["missing"] == 1
    assert "There is no namespace model-app-canary. Run platform.yml first" in played.first.said
    assert played.playbooks.apis["missing"].writes == []
