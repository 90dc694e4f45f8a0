"""A new installation gets its first version, and only once."""

from e2e.cluster.installation import ENVIRONMENTS, Installation


def test_a_first_version_comes_into_all_environments(installation: Installation) -> None:
    assert installation.served() == dict.fromkeys(ENVIRONMENTS), "the installation is not new"
    package = {"model_package": installation.package} if installation.package else {}
    ended = installation.ended(installation.submit("build-initial", **package))
    assert ended["status"]["phase"] == "Succeeded", ended["status"].get("message")
    (version,) = set(installation.served().values())
    assert version
    assert installation.tag_of("production") == f"production-1.0.{version}"


def test_a_second_first_version_changes_nothing(installation: Installation) -> None:
    before = installation.served()
    installation.ended(installation.submit("build-initial"))
    assert installation.served() == before
