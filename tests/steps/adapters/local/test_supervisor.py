"""The supervisor goes on whatever its app, its logs and its spec do."""

import os
import signal
import time

from steps.adapters.local.misbehaving_apps import (
    STAGING,
    app,
    deploy,
    files,
    gone,
    running,
    until,
)

from slipway_steps.adapters.local.platform import LocalPlatform


def test_what_the_app_started_ends_with_it(platform: LocalPlatform) -> None:
    deploy(platform, "parent")
    until(lambda: running(platform))
    (child,) = app(platform).children()
    app(platform).kill()
    until(lambda: gone(child))


def test_an_app_that_stops_being_ready_is_not_called_ready(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    asked = next((files(platform) / "rootfs").iterdir()) / "app" / "readyz"
    asked.touch()
    until(lambda: not platform.observe(STAGING).pods[0].ready)
    assert platform.observe(STAGING).pods[0].restarts == 0
    asked.unlink()
    until(lambda: running(platform))


def test_a_hung_app_does_not_hold_up_its_replacement(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    os.kill(app(platform).pid, signal.SIGSTOP)
    time.sleep(0.5)
    began = time.monotonic()
    deploy(platform, "crash")
    assert time.monotonic() - began < 30, "a stopped process never ends by itself"
    until(lambda: platform.observe(STAGING).pods[0].state.reason == "Error")


def test_a_chatty_app_does_not_fill_the_disk(platform: LocalPlatform) -> None:
    deploy(platform, "talkative")
    log = platform.log_path(STAGING)
    until((log.parent / "app.log.1").exists)
    assert log.stat().st_size < 20 * 2**20


def test_a_log_that_cannot_be_written_takes_nothing_along(platform: LocalPlatform) -> None:
    files(platform).mkdir(parents=True)
    for name in ("supervisor.log", "app.log"):
        (files(platform) / name).symlink_to("/dev/full")
    deploy(platform, "healthy")
    until(lambda: running(platform))
    app(platform).kill()
    until(lambda: platform.observe(STAGING).pods[0].restarts == 1)
    until(lambda: running(platform))


def test_a_damaged_spec_is_complained_of_once(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    spec = (files(platform) / "spec.json").read_text()
    (files(platform) / "spec.json").write_text("{")
    time.sleep(1)
    assert (files(platform) / "supervisor.log").read_text().count("or is damaged") == 1
    (files(platform) / "spec.json").write_text(spec)
    assert running(platform)
