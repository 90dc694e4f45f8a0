"""The playbooks on an installation that is there: nothing to change; and its removal, with and without its data."""

import pytest
from e2e.cluster.installation import ENVIRONMENTS, NAMESPACE, Installation
from e2e.cluster.own_namespaces import make_missing
from e2e.cluster.playbooks import NAMESPACES, Playbooks
from kubernetes.client.exceptions import ApiException

PLAYBOOKS = ("platform.yml", "argocd_apps.yml", "workflow_templates_apply.yml")

KEPT = ["postgresql", "s3", "s3-accounts"]
"""The claims of the suite's charts/platform."""


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_second_run_changes_nothing(playbooks: Playbooks, name: str) -> None:
    assert playbooks.succeed(name).changed == 0


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_check_mode_finds_nothing_to_change(playbooks: Playbooks, name: str) -> None:
    assert playbooks.succeed(name, "--check").changed == 0


def test_without_its_confirmation_nothing_is_removed(installation: Installation, playbooks: Playbooks) -> None:
    before = installation.served()
    assert playbooks.play("teardown.yml", teardown_confirm="").failed == 1
    assert installation.served() == before


def test_a_removal_keeps_the_data_and_a_new_installation_takes_it_up(
    installation: Installation, playbooks: Playbooks
) -> None:
    before = installation.served()
    playbooks.succeed("teardown.yml")
    claims = installation.core.list_namespaced_persistent_volume_claim(NAMESPACE).items
    assert sorted(claim.metadata.name for claim in claims) == KEPT
    # those that the playbook makes have no label of the suite, and a run that is killed would leave them to nobody
    make_missing(installation.core, NAMESPACES)
    for name in PLAYBOOKS:
        playbooks.succeed(name)
    assert installation.served() == dict.fromkeys(ENVIRONMENTS)
    mended = installation.slipway("doctor", "--mend")
    assert mended.code == 0, mended.out + mended.err
    assert installation.served() == before


def test_a_removal_with_data_leaves_nothing(installation: Installation, playbooks: Playbooks) -> None:
    playbooks.succeed("teardown.yml", teardown_delete_data=True)
    for namespace in NAMESPACES:
        with pytest.raises(ApiException, match="404"):
            installation.core.read_namespace(namespace)
