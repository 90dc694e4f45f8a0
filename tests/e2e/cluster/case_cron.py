"""The nightly release, started by hand."""

from e2e.cluster.installation import Installation


def test_the_nightly_release_starts_by_hand(installation: Installation) -> None:
    """It takes no packaged model, so where one stands for the training it is stopped as soon as it trains."""
    before = installation.served()
    name = installation.submit("cron-train")
    labels = installation.stored(name)["metadata"]["labels"]
    assert labels["workflows.argoproj.io/cron-workflow"] == "cron-train"
    if not installation.package:
        assert installation.ended(name)["status"]["phase"] == "Succeeded"
        return
    installation.step_pod(name, "train")
    installation.said("stop", name)
    installation.ended(name)
    assert installation.served() == before
