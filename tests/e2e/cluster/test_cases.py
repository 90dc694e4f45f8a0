"""Cases that only a real cluster can run, held here against what they rely on."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from e2e.cluster import case_git, case_interruptions, case_playbooks
from e2e.cluster.installation import ENVIRONMENTS, NAMESPACE, Installation
from e2e.cluster.own_namespaces import LABEL, create
from e2e.cluster.playbooks import NAMESPACES, Playbooks
from kube_api_server import KubeApi


class Removing:
    """The playbooks on a server of the test: the teardown that keeps data, and the installation after it."""

    def __init__(self, api: KubeApi) -> None:
        self.api = api
        self.played: list[tuple[str, dict[str, Any]]] = []

    def succeed(self, name: str, **variables: Any) -> None:
        self.played.append((name, variables))
        there = {key[3]: key for key, one in self.api.objects.items() if one["kind"] == "Namespace"}
        for namespace in NAMESPACES:
            if name == "teardown.yml" and namespace != NAMESPACE:
                del self.api.objects[there[namespace]]
            if name == "platform.yml" and namespace not in there:
                self.api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


@pytest.fixture
def api() -> Iterator[KubeApi]:
    server = KubeApi()
    yield server
    server.close()


def claims(directory: Path) -> list[dict[str, Any]]:
    """The claims of charts/platform as the suite installs it."""
    from rendered_charts import rendered

    values = Playbooks(directory / "none", directory, "r.example").variables["platform_services_values"]
    found = rendered("platform", values, NAMESPACE)
    return [one for one in found if one["kind"] == "PersistentVolumeClaim"]


def test_a_removal_that_keeps_the_data_leaves_the_suite_its_claims_and_namespaces(api: KubeApi, tmp_path: Path) -> None:
    kubeconfig = api.kubeconfig(tmp_path / "kube")
    core = Installation(kubeconfig).core
    create(core, NAMESPACES)
    api.add(*claims(tmp_path))
    rounds = iter([dict.fromkeys(ENVIRONMENTS, "1"), dict.fromkeys(ENVIRONMENTS), dict.fromkeys(ENVIRONMENTS, "1")])
    installation = SimpleNamespace(
        core=core, served=lambda: next(rounds), slipway=lambda *_: SimpleNamespace(code=0, out="", err="")
    )
    case_playbooks.test_a_removal_keeps_the_data_and_a_new_installation_takes_it_up(installation, Removing(api))
    for namespace in NAMESPACES:
        labels = api.get("Namespace", namespace)["metadata"].get("labels") or {}
        assert LABEL in labels, f"a run that is killed now leaves {namespace} to nobody"


def test_the_git_cases_end_with_the_playbook_as_it_is(api: KubeApi) -> None:
    playbooks = Removing(api)
    installation = SimpleNamespace(slipway=lambda *_: SimpleNamespace(code=0, out="", err=""))
    with case_git.committing(installation, playbooks):
        assert playbooks.played[-1][1]["slipway_chart_values"]["config"]["SLIPWAY_DEPLOY_REPOSITORY"]
    assert playbooks.played[-1] == ("platform.yml", {})


@pytest.mark.parametrize("lost", [True, False])
def test_the_loss_of_a_pod_has_to_cost_a_try(lost: bool) -> None:
    tries = {"evaluate(0)": "Error", "evaluate(1)": "Succeeded"} if lost else {"evaluate(0)": "Succeeded"}
    nodes = {name: {"displayName": name, "phase": phase} for name, phase in tries.items()}
    verdict = {"name": "verdict", "value": "pass"}
    ended = {"status": {"phase": "Succeeded", "nodes": nodes, "outputs": {"parameters": [verdict]}}}
    served = iter([dict.fromkeys(ENVIRONMENTS, "1"), {"staging": "2", "canary": "2", "production": "1"}])
    installation = SimpleNamespace(
        usual={},
        served=lambda: next(served),
        release=lambda: "release-1",
        step_pod=lambda *_: "pod",
        delete_pod=lambda _: None,
        ended=lambda _: ended,
        tag_of=lambda _: "canary-1.0.2",
    )
    if lost:
        case_interruptions.test_a_release_survives_the_loss_of_a_step_pod(installation)
        return
    with pytest.raises(AssertionError, match="no try was lost"):
        case_interruptions.test_a_release_survives_the_loss_of_a_step_pod(installation)
