"""Releases that lose a pod, are retried, are stopped, or come at the same time."""

from e2e.cluster.expectations import reached_canary
from e2e.cluster.installation import Installation


def test_a_release_survives_the_loss_of_a_step_pod(installation: Installation) -> None:
    before = installation.served()
    name = installation.release(**installation.usual)
    installation.delete_pod(installation.step_pod(name, "evaluate"))
    ended = installation.ended(name)
    # before a retry by hand, which deletes the nodes that failed
    tries = [node for node in ended["status"]["nodes"].values() if node["displayName"].startswith("evaluate(")]
    assert any(node["phase"] != "Succeeded" for node in tries), "the pod was deleted, and no try was lost with it"
    if ended["status"]["phase"] != "Succeeded":
        # a program that was killed before its pod was gone counts as one that failed, and is retried by a person
        assert installation.served() == before
        assert installation.slipway("retry", name).code == 0
        ended = installation.workflow(name)
    reached_canary(installation, before, ended)


def test_a_stopped_release_leaves_staging_as_before(installation: Installation) -> None:
    before = installation.served()
    name = installation.release(**installation.usual)
    installation.step_pod(name, "resources")
    assert "stopping" in installation.said("stop", name)
    assert installation.ended(name)["status"]["phase"] == "Failed"
    assert installation.served() == before


def test_three_releases_queue_for_staging(installation: Installation) -> None:
    before = installation.served()
    names = [installation.release(**installation.usual) for _ in range(3)]
    together: list[list[str]] = []

    def all_ended() -> bool:
        found = {name: (installation.stored(name).get("status") or {}) for name in names}
        # a release that waits for the mutex is Pending
        together.append([name for name, status in found.items() if status.get("phase") == "Running"])
        return all(status.get("finishedAt") for status in found.values())

    installation.until("all three end", all_ended, 3 * installation.patience)
    assert max(map(len, together)) == 1, "two releases ran at the same time"
    last = max((installation.workflow(name) for name in names), key=lambda one: str(one["status"]["finishedAt"]))
    reached_canary(installation, before, last)
