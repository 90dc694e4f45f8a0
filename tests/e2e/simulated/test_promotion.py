"""A release, then what a person does with it: no, yes, and back; and a pod that was evicted meanwhile."""

from e2e.cluster import case_initial, case_pods, case_promotion, case_releases

test_first_version = case_initial.test_a_first_version_comes_into_all_environments
test_release = case_releases.test_a_normal_release_reaches_canary
test_no = case_promotion.test_no_leaves_production_as_it_is
test_yes = case_promotion.test_yes_promotes_what_canary_serves
test_revert = case_promotion.test_an_environment_goes_back_to_what_passed_there_before
test_evicted_pod = case_pods.test_an_evicted_pod_beside_a_healthy_one_harms_nobody
