"""Processes and control groups are removed when their supervisor was killed or its spec was lost."""

import pytest
from steps.adapters.local.misbehaving_apps import (
    STAGING,
    app,
    deploy,
    files,
    gone,
    groups,
    kill_supervisor,
    running,
    until,
)

from slipway_steps.adapters.local.platform import LocalPlatform


def test_down_removes_what_a_killed_supervisor_left(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    served = app(platform)
    kill_supervisor(platform)
    platform.down(STAGING)
    assert not groups(platform)
    assert gone(served)


@pytest.mark.parametrize("damage", ["{", None])
def test_an_environment_whose_spec_is_damaged_or_lost_can_be_stopped_and_used_again(
    platform: LocalPlatform, damage: str | None
) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    served, spec = app(platform), files(platform) / "spec.json"
    spec.unlink()
    if damage:
        spec.write_text(damage)
        platform.down(STAGING)
        assert gone(served)
        spec.unlink()
    deploy(platform, "parent")
    until(lambda: running(platform))
    assert platform.observe(STAGING).pods[0].digest == "sha256:parent"
    assert gone(served)
