"""The memory limit of a pod: what counts towards it, and when a pod is OOMKilled."""

import pytest
from steps.adapters.local.misbehaving_apps import STAGING, deploy, kill_supervisor, running, status, until

from slipway_steps.adapters.local.platform import LocalPlatform


def test_an_oom_kill_is_seen_in_the_state_and_then_in_the_last_state(platform: LocalPlatform) -> None:
    deploy(platform, "greedy")
    until(lambda: platform.observe(STAGING).pods[0].state.reason == "OOMKilled")
    assert platform.status(STAGING).phase == "OOMKilled"
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    last = platform.observe(STAGING).pods[0].last_state
    assert last is not None
    assert (last.reason, last.exit_code) == ("OOMKilled", 137)
    peak = platform.observe(STAGING).peak_memory_bytes
    assert peak is not None
    assert peak >= 256 * 2**20


def test_a_crash_is_not_called_an_oom_kill_because_a_child_was_killed(platform: LocalPlatform) -> None:
    deploy(platform, "greedy-child-then-crash")
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    pod = platform.observe(STAGING).pods[0]
    assert pod.last_state is not None
    if status(platform).enforced_by != "cgroup":
        pytest.skip("the watchdog kills parent and child together")
    assert (pod.last_state.reason, pod.last_state.exit_code) == ("Error", 1)
    assert pod.last_state.message.endswith("error: other")


def test_an_oom_kill_of_a_killed_supervisors_pod_is_not_held_against_the_next(platform: LocalPlatform) -> None:
    deploy(platform, "greedy-child")
    if status(platform).enforced_by == "cgroup":  # the watchdog kills parent and child together
        until(lambda: running(platform))
    kill_supervisor(platform)
    deploy(platform, "crash")
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    last = platform.observe(STAGING).pods[0].last_state
    assert last is not None
    assert (last.reason, last.exit_code) == ("Error", 1)


def test_under_the_watchdog_a_child_counts_towards_the_limit(platform: LocalPlatform) -> None:
    platform.settings = platform.settings.model_copy(update={"limits": "watchdog"})
    deploy(platform, "greedy-family")
    until(lambda: platform.observe(STAGING).pods[0].state.reason == "OOMKilled")


def test_file_cache_is_not_called_memory_in_use(platform: LocalPlatform) -> None:
    deploy(platform, "reads-files")
    until(lambda: running(platform))
    until(lambda: platform.observe(STAGING).samples)
    peak = platform.observe(STAGING).peak_memory_bytes
    assert peak is not None
    assert peak < 150 * 2**20
