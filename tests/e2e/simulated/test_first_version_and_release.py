"""A new installation's first version, a release that loses a pod on its way to canary, and one that a gate rejects."""

import copy
import json
from collections.abc import Iterator

import pytest
from e2e.cluster import case_initial, case_interruptions, case_releases
from e2e.cluster.installation import NAMESPACE, Installation


@pytest.fixture
def unpatched(installation: Installation) -> Iterator[None]:
    """The templates as they once were: without a security context for Argo's own containers; and without retries."""
    # the fixture here is a SimulatedInstallation
    objects = installation.cluster.objects  # type: ignore[attr-defined]
    before = objects.all_of("WorkflowTemplate")
    for one in copy.deepcopy(before):
        for template in one["spec"]["templates"]:
            template.pop("podSpecPatch", None)
            template.pop("retryStrategy", None)
        objects.add(one)
    yield
    objects.add(*before)


def test_a_step_pod_that_breaks_the_standard_is_not_admitted(installation: Installation, unpatched: None) -> None:
    """The other cases rely on this: a cluster that admits everything would pass them."""
    ended = installation.ended(installation.submit("build-initial"))
    assert ended["status"]["phase"] in ("Failed", "Error")
    said = json.dumps(ended["status"]["nodes"])
    assert "violates PodSecurity" in said
    assert "wait" in said
    assert not installation.core.list_namespaced_pod(NAMESPACE).items


test_first_version = case_initial.test_a_first_version_comes_into_all_environments
test_first_version_again = case_initial.test_a_second_first_version_changes_nothing
test_release_with_a_lost_pod = case_interruptions.test_a_release_survives_the_loss_of_a_step_pod
test_flaky_metrics = case_releases.test_a_model_with_flaky_metrics_is_never_registered
