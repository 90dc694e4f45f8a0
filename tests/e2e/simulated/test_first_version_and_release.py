"""A new installation's first version, a release that loses a pod on its way to canary, and one that a gate rejects."""

from e2e.cluster import case_initial, case_interruptions, case_releases

test_first_version = case_initial.test_a_first_version_comes_into_all_environments
test_first_version_again = case_initial.test_a_second_first_version_changes_nothing
test_release_with_a_lost_pod = case_interruptions.test_a_release_survives_the_loss_of_a_step_pod
test_flaky_metrics = case_releases.test_a_model_with_flaky_metrics_is_never_registered
