"""Releases from training, or from a packaged model, to canary; and those that a gate rejects."""

import os

import pytest
from e2e.cluster.expectations import reached_canary, was_rejected
from e2e.cluster.installation import Installation, outputs


def test_a_normal_release_reaches_canary(installation: Installation) -> None:
    before = installation.served()
    name = installation.release(**installation.usual)
    reached_canary(installation, before, installation.ended(name))
    assert name in installation.said("list")


def test_a_bad_architecture_is_rejected(installation: Installation) -> None:
    package = os.environ.get("SLIPWAY_E2E_RESNET_PACKAGE", "")
    if installation.package and not package:
        pytest.skip("no packaged ResNet is named (SLIPWAY_E2E_RESNET_PACKAGE), and training one needs torch")
    before = installation.served()
    given = {"model_package": package} if package else {}
    name = installation.submit("release-model", scenario="bad-architecture", **given, **installation.usual)
    was_rejected(installation, before, installation.ended(name))


@pytest.mark.parametrize("scenario", ["oversized", "slow"])
def test_a_bad_model_is_rejected(installation: Installation, scenario: str) -> None:
    before = installation.served()
    name = installation.release(scenario=scenario, **installation.usual)
    was_rejected(installation, before, installation.ended(name))


def test_a_model_with_flaky_metrics_is_never_registered(installation: Installation) -> None:
    before = installation.served()
    workflow = installation.ended(installation.release(scenario="flaky-metrics", seed="2", **installation.usual))
    was_rejected(installation, before, workflow)
    assert "model-version" not in outputs(workflow)


def test_what_stands_in_staging_can_be_tested_alone(installation: Installation) -> None:
    before = installation.served()
    ended = installation.ended(installation.submit("test-staging", **installation.usual))
    assert (ended["status"]["phase"], outputs(ended)["verdict"]) == ("Succeeded", "pass")
    assert installation.served() == {**before, "canary": before["staging"]}
