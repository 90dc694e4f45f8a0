"""A release, then what a person does with it: no, yes, and back; and a pod that was evicted meanwhile. Then releases
that are stopped, that fit on no node, and one with a model that the app cannot serve. All on one installation.
"""

import os

import pytest
from e2e.cluster import case_cron, case_initial, case_interruptions, case_pods, case_promotion, case_releases


@pytest.fixture(autouse=True)
def resnet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packaged ResNet for the case of the wrong architecture."""
    package = os.environ.get("SLIPWAY_E2E_RESNET_PACKAGE") or request.getfixturevalue("resnet_package")
    monkeypatch.setenv("SLIPWAY_E2E_RESNET_PACKAGE", str(package))


test_first_version = case_initial.test_a_first_version_comes_into_all_environments
test_release = case_releases.test_a_normal_release_reaches_canary
test_no = case_promotion.test_no_leaves_production_as_it_is
test_yes = case_promotion.test_yes_promotes_what_canary_serves
test_revert = case_promotion.test_an_environment_goes_back_to_what_passed_there_before
test_evicted_pod = case_pods.test_an_evicted_pod_beside_a_healthy_one_harms_nobody
test_stop = case_interruptions.test_a_stopped_release_leaves_staging_as_before
test_unschedulable = case_pods.test_a_training_that_fits_on_no_node_says_so_and_can_be_stopped
test_cron_by_hand = case_cron.test_the_nightly_release_starts_by_hand
test_bad_architecture = case_releases.test_a_bad_architecture_is_rejected
