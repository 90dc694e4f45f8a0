"""Releases that are stopped, that fit on no node, and one with a model that the app cannot serve."""

import os

import pytest
from e2e.cluster import case_cron, case_initial, case_interruptions, case_pods, case_releases


@pytest.fixture(autouse=True)
def resnet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packaged ResNet for the case of the wrong architecture."""
    package = os.environ.get("SLIPWAY_E2E_RESNET_PACKAGE") or request.getfixturevalue("resnet_package")
    monkeypatch.setenv("SLIPWAY_E2E_RESNET_PACKAGE", str(package))


test_first_version = case_initial.test_a_first_version_comes_into_all_environments
test_stop = case_interruptions.test_a_stopped_release_leaves_staging_as_before
test_unschedulable = case_pods.test_a_training_that_fits_on_no_node_says_so_and_can_be_stopped
test_cron_by_hand = case_cron.test_the_nightly_release_starts_by_hand
test_bad_architecture = case_releases.test_a_bad_architecture_is_rejected
