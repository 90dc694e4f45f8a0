"""What cases expect of a release that has ended."""

from e2e.cluster.installation import Installation, Object, outputs, phases

Served = dict[str, str | None]


def reached_canary(installation: Installation, before: Served, workflow: Object) -> None:
    """The release passed, and its version, a new one, stands in staging and canary; production is as it was."""
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"].get("message")
    assert outputs(workflow)["verdict"] == "pass"
    now = installation.served()
    assert now["staging"] == now["canary"]
    assert int(str(now["staging"])) > int(str(before["staging"] or 0))
    assert now["production"] == before["production"]
    assert installation.tag_of("canary") == f"canary-1.0.{now['canary']}"


def was_rejected(installation: Installation, before: Served, workflow: Object) -> None:
    """The release was rejected by a gate, and every environment is as it was."""
    assert (workflow["status"]["phase"], outputs(workflow).get("verdict", "reject")) == ("Failed", "reject")
    ran = phases(workflow)
    assert ran["rejected"] == "Failed", ran
    assert ran.get("promote") != "Succeeded"
    assert installation.served() == before
