"""Pods that are there and do not serve, and pods that no node can take."""

from e2e.cluster.installation import APP, Installation, outputs


def test_an_evicted_pod_beside_a_healthy_one_harms_nobody(installation: Installation) -> None:
    before = installation.served()
    installation.evict("staging")
    installation.app_pod("staging")
    left = [pod.status.phase for pod in installation.core.list_namespaced_pod(f"{APP}-staging").items]
    assert sorted(left) == ["Failed", "Running"]
    assert installation.served() == before
    ended = installation.ended(installation.submit("test-staging", auto_promote="false", **installation.usual))
    assert (ended["status"]["phase"], outputs(ended)["verdict"]) == ("Succeeded", "pass")
    assert installation.served() == before


def test_a_training_that_fits_on_no_node_says_so_and_can_be_stopped(installation: Installation) -> None:
    before = installation.served()
    name = installation.release(cpu_request="1000", **installation.usual)
    installation.until("it is unschedulable", lambda: "Unschedulable" in installation.said("get", name), 120)
    installation.said("stop", name)
    assert installation.ended(name)["status"]["phase"] in ("Failed", "Error")
    assert installation.served() == before
