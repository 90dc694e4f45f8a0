"""A person brings a version to production, or does not, and takes versions back."""

from e2e.cluster.installation import Installation


def asked(installation: Installation) -> str:
    """A promotion to production that waits for its answer; returns the workflow's name."""
    name = installation.said("promote", "--to", "production").splitlines()[-1]

    def waits() -> bool:
        nodes = (installation.stored(name).get("status") or {}).get("nodes") or {}
        return any(node["type"] == "Suspend" and node["phase"] == "Running" for node in nodes.values())

    installation.until(f"{name} waits", waits)
    return name


def test_no_leaves_production_as_it_is(installation: Installation) -> None:
    before = installation.served()
    assert before["canary"] != before["production"], "canary has nothing new for production"
    name = asked(installation)
    installation.said("reject", name)
    assert installation.ended(name)["status"]["phase"] == "Failed"
    assert installation.served() == before


def test_yes_promotes_what_canary_serves(installation: Installation) -> None:
    before = installation.served()
    name = asked(installation)
    installation.said("approve", name)
    assert installation.ended(name)["status"]["phase"] == "Succeeded"
    assert installation.served() == {**before, "production": before["canary"]}


def test_an_environment_goes_back_to_what_passed_there_before(installation: Installation) -> None:
    before = installation.served()
    name = installation.said("revert", "canary", "--reason", "customers saw wrong labels").splitlines()[-1]
    assert installation.ended(name)["status"]["phase"] == "Succeeded"
    now = installation.served()
    assert now == {**before, "canary": now["canary"]}
    assert int(str(now["canary"])) < int(str(before["canary"]))
