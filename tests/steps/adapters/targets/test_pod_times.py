"""What a pod's objects tell of its start: with the texts of a real kubelet."""

from typing import Any

import pytest

from slipway_steps.adapters.targets.pod_times import PodTimes, go_duration, pod_metrics, pull_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1.2s", 1.2), ("850ms", 0.85), ("1m2.5s", 62.5), ("1h0m1s", 3601), ("12.5µs", 12.5e-6), ("0s", 0)],
)
def test_durations_of_go(text: str, wanted: float) -> None:
    assert go_duration(text) == pytest.approx(wanted)


def event(message: str) -> dict[str, Any]:
    return {"metadata": {"name": message}, "message": message, "lastTimestamp": "2026-11-21T10:00:09Z"}


def test_a_pull_is_the_time_at_the_registry_and_the_wait_before_it() -> None:
    pull = pull_of(event('Successfully pulled image "a:1" in 1.2s (1.5s including waiting). Image size: 7 bytes.'))
    assert pull is not None
    assert (pull.seconds, pull.waited) == (1.2, pytest.approx(0.3))


@pytest.mark.parametrize("end", ["", " and can be accessed by the pod"])
def test_an_image_that_was_there_took_no_time(end: str) -> None:
    pull = pull_of(event(f'Container image "a:1" already present on machine{end}'))
    assert pull is not None
    assert (pull.seconds, pull.waited) == (0, 0)


def test_an_unknown_text_tells_nothing() -> None:
    assert pull_of(event("Image a:1 fetched")) is None


def pod(ended: bool, **conditions: tuple[str, str]) -> dict[str, Any]:
    told = [
        {"type": kind, "status": status, "lastTransitionTime": f"2026-11-21T10:00:{at}Z"}
        for kind, (status, at) in conditions.items()
    ]
    state: dict[str, Any] = {"running": {"startedAt": "2026-11-21T10:00:07Z"}}
    if ended:
        state = {"terminated": {"startedAt": "2026-11-21T10:00:07Z", "finishedAt": "2026-11-21T10:00:17Z"}}
    statuses = [
        {"name": "wait", "state": {"running": {"startedAt": "2026-11-21T10:00:05Z"}}},
        {"name": "main", "state": state},
    ]
    annotations = {"workflows.argoproj.io/node-id": "n"}
    return {
        "metadata": {"name": "p", "creationTimestamp": "2026-11-21T10:00:00Z", "annotations": annotations},
        "status": {"conditions": told, "containerStatuses": statuses},
    }


def seen() -> PodTimes:
    """A pod as a watch tells of it: when it ends, its sandbox is gone, which changes that condition once more."""
    times = PodTimes("p")
    times.see(pod(False, PodScheduled=("True", "02"), PodReadyToStartContainers=("True", "05")))
    times.see(pod(True, PodScheduled=("True", "02"), PodReadyToStartContainers=("False", "18")))
    return times


def test_each_phase_of_the_start() -> None:
    found = pod_metrics([seen()])
    assert found["create-to-schedule"] == 2
    assert found["volumes-and-sandbox"] == 3
    assert found["schedule-to-run"] == 5


def test_who_comes_late_does_not_take_the_end_of_the_sandbox_for_its_begin() -> None:
    late = PodTimes("p")
    late.see(pod(True, PodScheduled=("True", "02"), PodReadyToStartContainers=("False", "18")))
    assert "volumes-and-sandbox" not in pod_metrics([late])


def test_what_one_pod_did_not_tell_is_not_known_of_the_run() -> None:
    other = PodTimes("q")
    other.see_event(event("Container image x already present on machine"))
    found = pod_metrics([seen(), other])
    assert found == {}, "nothing is 0 because it was not seen"


def test_usage_is_the_mean_times_the_seconds_and_the_largest_sum_of_one_look() -> None:
    one, two = seen(), seen()
    for look, (first, second) in enumerate([("1", "3"), ("2", "1")]):
        for times, memory in ((one, first), (two, second)):
            usage = {"usage": {"cpu": "500m", "memory": f"{memory}Mi"}}
            times.see_usage({"timestamp": f"2026-11-21T10:00:1{look}Z", "containers": [usage, usage]}, look)
    found = pod_metrics([one, two])
    assert found["cpu"] == pytest.approx(2 * 10 * 1.0)
    assert found["memory"] == 2 * 4 * 2**20
